-- Purpose: end the latest attempt at a DAG run. A failed attempt can become a success when its task is cleared.
-- Parameters: dag_id, run_id, state (success or failed), counts (jsonb; null keeps the stored ones).
-- Safe to repeat: yes; a successful attempt is left alone.
update bksb.sync_run
set
    state = %(state)s,
    finished_at = now(),
    counts = coalesce(%(counts)s::jsonb, counts)
where
    dag_id = %(dag_id)s
    and run_id = %(run_id)s
    and state <> 'success'
    and attempt = (
        select max(latest.attempt)
        from bksb.sync_run as latest
        where latest.dag_id = %(dag_id)s and latest.run_id = %(run_id)s
    );
