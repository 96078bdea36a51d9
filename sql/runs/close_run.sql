-- Purpose: end the latest attempt at a DAG run; a task that failed and was cleared may still end it well.
-- Parameters: dag_id, run_id, state (success or failed), counts (jsonb; kept as it is where null).
-- Safe to repeat: yes, an attempt that ended well is left alone.
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
