-- Purpose: check that bksb has not changed its wording. Fails if at least 50 initial and diagnostic results, and half
--     of those added or changed since the last publication, have a text that we do not know: summaries would have gaps.
--     V5 results are left out: their texts are free, and each unknown one is an issue. A run with publish_anyway skips
--     this check; otherwise later runs fail as well.
-- Parameters: run_id.
-- Result: id: the open issues about those texts; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
with new_result as (
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
    from new_result
)

select distinct new_result.issue_id as id
from new_result
cross join share
where new_result.issue_id is not null and share.is_too_much
order by id
limit 20;
