-- Purpose: show the runs of bksb_results that have not passed the checks yet: runs in progress, and runs that failed
--     since the last successful run. A run without an end counts as in progress for a day.
-- Safe to repeat: yes.
create or replace view bksb.unpublished_run as
select distinct attempt.run_id
from bksb.sync_run as attempt
where
    attempt.dag_id = 'bksb_results'
    and attempt.state <> 'success'
    and not exists (
        select 1
        from bksb.sync_run as later
        where
            later.dag_id = attempt.dag_id
            and later.run_id = attempt.run_id
            and later.attempt > attempt.attempt
            and later.state = 'success'
    )
    and (
        (attempt.state = 'running' and attempt.started_at > now() - interval '1 day')
        or attempt.finished_at > (
            select coalesce(max(ended.finished_at), '-infinity')
            from bksb.sync_run as ended
            where ended.dag_id = attempt.dag_id and ended.state = 'success'
        )
    );
