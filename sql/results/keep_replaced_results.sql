-- Purpose: before a result that bksb changed is replaced, its old row goes to bksb.result_change; not one that we read
-- otherwise by now, by new words for levels, in another time zone, or because its date is in the future no more.
-- Parameters: run_id.
-- The offset makes it look each account's results up by key: a temporary table has no statistics, and without it the
-- planner would read the whole of assessment_result for every load.
-- Safe to repeat: yes, after the merge nothing differs.
insert into bksb.result_change (
    bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
    assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
    completed_raw, raw, changed_at, run_id, replaced_by_run_id
)
select
    known.bksb_user_id,
    known.source,
    known.session_id,
    known.component,
    known.assessment_kind,
    known.subject,
    known.course_subject_raw,
    known.course_name,
    known.assessment_id,
    known.assessment_name,
    known.result_raw,
    known.level_code,
    known.level_order,
    known.percent,
    known.completed_at,
    known.completed_raw,
    known.raw,
    known.changed_at,
    known.run_id,
    %(run_id)s as replaced_by_run_id
from loaded_source
cross join lateral (
    select assessment_result.*
    from bksb.assessment_result
    where
        assessment_result.bksb_user_id = loaded_source.bksb_user_id
        and assessment_result.source = loaded_source.source
    order by assessment_result.session_id
    offset 0
) as known
inner join loaded_result as loaded
    on
        known.bksb_user_id = loaded.bksb_user_id
        and known.source = loaded.source
        and known.session_id = loaded.session_id
        and known.component = loaded.component
where
    (
        known.assessment_kind, known.course_subject_raw, known.course_name, known.assessment_id,
        known.assessment_name, known.result_raw, known.completed_raw
    ) is distinct from (
        loaded.assessment_kind, loaded.course_subject_raw, loaded.course_name, loaded.assessment_id,
        loaded.assessment_name, loaded.result_raw, loaded.completed_raw
    );
