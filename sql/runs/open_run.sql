-- Purpose: start an attempt at a DAG run. A retried task continues the attempt that is running.
-- Parameters: dag_id, run_id, run_type, interval_start, interval_end.
-- Safe to repeat: yes, while the attempt is running.
insert into bksb.sync_run (dag_id, run_id, attempt, run_type, interval_start, interval_end, state)
select
    %(dag_id)s as dag_id,
    %(run_id)s as run_id,
    coalesce(max(attempt) filter (where state = 'running'), coalesce(max(attempt), 0) + 1) as attempt,
    %(run_type)s as run_type,
    %(interval_start)s::timestamptz as interval_start,
    %(interval_end)s::timestamptz as interval_end,
    'running' as state
from bksb.sync_run
where dag_id = %(dag_id)s and run_id = %(run_id)s
on conflict (dag_id, run_id, attempt) do nothing;
