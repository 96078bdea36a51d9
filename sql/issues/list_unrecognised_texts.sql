-- Purpose: list the texts with an open issue, as they occur in results, to see whether they can be read now. Results of
--     an unknown V5 type are not loaded, so their texts are listed a week after they were last seen.
-- Result: issue_id, code, source, result_raw, assessment_name, course_subject_raw, undated; one row for each
--     combination that occurs, or one row of nulls if no result has the text.
-- Safe to repeat: yes; it only reads.
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

-- two joins, because one join on either column would compare every issue with every result
occurrence as (
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
    occurrence.source,
    occurrence.result_raw,
    occurrence.assessment_name,
    occurrence.course_subject_raw,
    occurrence.undated
from open_text
left join occurrence on open_text.id = occurrence.id;
