-- Purpose: the texts of bksb that are reported as new to us and still stand in a result, with what reading them needs.
-- Result: issue_id, code, source, result_raw, assessment_name, course_subject_raw, undated; one row for each way in
--     which the text is met. An issue whose text no result bears any more comes once, with nulls. V5 sessions of a
--     type that is new to us are not loaded, so no result bears theirs: it comes when none was met for a week.
-- Safe to repeat: yes, it only reads.
with open_text as (
    select
        id,
        code,
        subject_key
    from bksb.issue
    where
        resolved_at is null
        and code in ('unknown_result', 'unreadable_date')
        and not (starts_with(subject_key, 'AssessmentType ') and last_seen_at >= now() - interval '7 days')
),

-- one join for each column: a join on whichever of them applies would compare every issue with every result
met as (
    select
        open_text.id,
        result.source,
        result.result_raw,
        result.assessment_name,
        result.course_subject_raw,
        result.completed_at is null as undated
    from open_text
    inner join bksb.assessment_result as result on open_text.subject_key = left(result.result_raw, 200)
    where open_text.code = 'unknown_result'
    union
    select
        open_text.id,
        result.source,
        result.result_raw,
        result.assessment_name,
        result.course_subject_raw,
        result.completed_at is null as undated
    from open_text
    inner join bksb.assessment_result as result on open_text.subject_key = left(result.completed_raw, 200)
    where open_text.code = 'unreadable_date'
)

select
    open_text.id as issue_id,
    open_text.code,
    met.source,
    met.result_raw,
    met.assessment_name,
    met.course_subject_raw,
    met.undated
from open_text
left join met on open_text.id = met.id;
