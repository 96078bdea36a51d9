-- Purpose: what a plan is compared with before it may act by itself.
-- Parameters: dag_id; run_id, the run that asks, which is not compared with itself.
-- Result: one row: approved_before (a first run, about everybody; one about people who were named says nothing of the
--     others); people, listed by the MIS at the last run that went ahead (null before the first).
-- Safe to repeat: yes, it only reads.
select
    coalesce(
        bool_or(outcome = 'approved' and about_everybody and 'first_run' = any(reasons)), false
    ) as approved_before,
    (array_agg(people order by decided_at desc) filter (where outcome in ('approved', 'not_asked')))[1] as people
from bksb.approval
where dag_id = %(dag_id)s and run_id <> %(run_id)s;
