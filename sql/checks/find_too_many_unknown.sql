-- Purpose: of the initial and diagnostic results that were added or changed since the last publication, less than half
--     (or fewer than 50) have a text that is new to us: else bksb has changed its wording, and summaries would be made
--     of gaps. Abilities of V5 are free text of which no sample is public: all of them may be new, each is an issue,
--     and they hold up nothing.
-- If it is right all the same, a run with publish_anyway says so; until then later runs are refused as well.
-- Parameters: run_id.
-- Result: id, of the open issues about those texts; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
with touched as (
    select issue.id as issue_id
    from bksb.assessment_result
    left join bksb.issue
        on
            issue.code = 'unknown_result'
            and issue.resolved_at is null
            and issue.subject_key = left(assessment_result.result_raw, 200)
    where
        (
            assessment_result.run_id = %(run_id)s
            or assessment_result.run_id in (select unpublished_run.run_id from bksb.unpublished_run)
        )
        and assessment_result.missing_since is null
        and assessment_result.source in ('initial', 'diagnostic')
),

share as (
    select count(issue_id) >= 50 and count(issue_id) * 2 >= count(*) as is_too_much
    from touched
)

select distinct touched.issue_id as id
from touched
cross join share
where touched.issue_id is not null and share.is_too_much
order by id
limit 20;
