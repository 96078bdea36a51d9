-- Purpose: new results are added, changed ones replaced, all others left untouched.
-- Parameters: run_id.
-- Safe to repeat: yes.
insert into bksb.assessment_result as known (
    bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
    assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
    completed_raw, raw, first_seen_at, changed_at, run_id
)
select
    bksb_user_id,
    source,
    session_id,
    component,
    assessment_kind,
    subject,
    course_subject_raw,
    course_name,
    assessment_id,
    assessment_name,
    result_raw,
    level_code,
    level_order,
    percent,
    completed_at,
    completed_raw,
    raw,
    now() as first_seen_at,
    now() as changed_at,
    %(run_id)s as run_id
from loaded_result
on conflict (bksb_user_id, source, session_id, component) do update
set
    assessment_kind = excluded.assessment_kind,
    subject = excluded.subject,
    course_subject_raw = excluded.course_subject_raw,
    course_name = excluded.course_name,
    assessment_id = excluded.assessment_id,
    assessment_name = excluded.assessment_name,
    result_raw = excluded.result_raw,
    level_code = excluded.level_code,
    level_order = excluded.level_order,
    percent = excluded.percent,
    completed_at = excluded.completed_at,
    completed_raw = excluded.completed_raw,
    raw = excluded.raw,
    missing_since = null,
    changed_at = excluded.changed_at,
    run_id = excluded.run_id
where
    known.missing_since is not null
    or (
        known.assessment_kind, known.subject, known.course_subject_raw, known.course_name,
        known.assessment_id, known.assessment_name, known.result_raw, known.level_code, known.level_order,
        known.percent, known.completed_at, known.completed_raw
    ) is distinct from (
        excluded.assessment_kind, excluded.subject, excluded.course_subject_raw, excluded.course_name,
        excluded.assessment_id, excluded.assessment_name, excluded.result_raw, excluded.level_code,
        excluded.level_order, excluded.percent, excluded.completed_at, excluded.completed_raw
    );
