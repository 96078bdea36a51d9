-- Purpose: check that bksb still shows the results we hold. Fails if at least 50 results, and as many as a tenth of
--     those still shown, have gone missing since the last publication: that is a fault of bksb, or another customer's
--     key. A run with publish_anyway skips this check; otherwise later runs fail as well.
-- Parameters: run_id.
-- Result: id: the bksb users with missing results; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
with vanished as (
    select bksb_user_id
    from bksb.assessment_result
    where
        (run_id = %(run_id)s or run_id in (select unpublished_run.run_id from bksb.unpublished_run))
        and missing_since is not null
),

totals as (
    select
        (select count(*) from bksb.assessment_result where missing_since is null) as shown,
        count(*) as missing
    from vanished
)

select distinct vanished.bksb_user_id as id
from vanished
cross join totals
where totals.missing >= greatest(50, totals.shown / 10)
order by id
limit 20;
