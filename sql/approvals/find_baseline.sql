-- Purpose: find what a new plan is compared with.
-- Parameters: dag_id; run_id of the run that asks, which is left out.
-- Result: one row: approved_before (a first run for everyone was approved; runs for named people do not count), people
--     (how many the MIS listed at the last run that went ahead; null before the first).
-- Safe to repeat: yes; it only reads.
select
    coalesce(
        bool_or(outcome = 'approved' and about_everybody and 'first_run' = any(reasons)), false
    ) as approved_before,
    (array_agg(people order by decided_at desc) filter (where outcome in ('approved', 'not_asked')))[1] as people
from bksb.approval
where dag_id = %(dag_id)s and run_id <> %(run_id)s;
