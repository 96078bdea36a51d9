-- Purpose: the texts of bksb that are reported as new to us and still stand in a result, with what reading them needs.
-- Result: issue_id, code, source, result_raw, assessment_name, course_subject_raw, undated; one row for each way in
--     which the text is met. An issue whose text no result bears any more comes once, with nulls. V5 sessions of a
--     type that is new to us are not loaded, so no result bears theirs: it comes when none was met for a week.
-- Safe to repeat: yes, it only reads.
select distinct
    issue.id as issue_id,
    issue.code,
    result.source,
    result.result_raw,
    result.assessment_name,
    result.course_subject_raw,
    result.completed_at is null as undated
from bksb.issue
left join bksb.assessment_result as result
    on issue.subject_key = left(
        case issue.code when 'unknown_result' then result.result_raw else result.completed_raw end, 200
    )
where
    issue.resolved_at is null
    and issue.code in ('unknown_result', 'unreadable_date')
    and not (
        starts_with(issue.subject_key, 'AssessmentType ') and issue.last_seen_at >= now() - interval '7 days'
    );
