-- Purpose: between two publications not a tenth of all results is lost (and 50 at least): that is bksb, or the key of
--     another customer, and not learners whose results were taken back one by one.
-- If it is right all the same, a run with publish_anyway says so; until then later runs are refused as well.
-- Parameters: run_id.
-- Result: id, bksb users whose results vanished; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
with vanished as (
    select bksb_user_id
    from bksb.assessment_result
    where
        (run_id = %(run_id)s or run_id in (select unpublished_run.run_id from bksb.unpublished_run))
        and missing_since is not null
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
