-- Purpose: one run does not lose a tenth of all results (and 50 at least): that is bksb, or the key of another
--     customer, and not learners whose results were taken back one by one.
-- Parameters: run_id.
-- Result: id, bksb users whose results vanished in this run; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
with vanished as (
    select bksb_user_id
    from bksb.assessment_result
    where run_id = %(run_id)s and missing_since is not null
),

totals as (
    select
        (select count(*) from bksb.assessment_result where missing_since is null) as held,
        count(*) as lost
    from vanished
)

select distinct vanished.bksb_user_id as id
from vanished
cross join totals
where totals.lost >= greatest(50, totals.held / 10)
order by id
limit 20;
