-- Purpose: store results that are read differently now. raw, run_id and bksb.result_change stay, because bksb changed
--     nothing.
-- Safe to repeat: yes.
update bksb.assessment_result as stored
set
    assessment_kind = reparsed.assessment_kind,
    subject = reparsed.subject,
    course_subject_raw = reparsed.course_subject_raw,
    course_name = reparsed.course_name,
    assessment_id = reparsed.assessment_id,
    assessment_name = reparsed.assessment_name,
    result_raw = reparsed.result_raw,
    level_code = reparsed.level_code,
    level_order = reparsed.level_order,
    percent = reparsed.percent,
    completed_at = reparsed.completed_at,
    completed_raw = reparsed.completed_raw,
    changed_at = now()
from loaded_result as reparsed
where
    stored.bksb_user_id = reparsed.bksb_user_id
    and stored.source = reparsed.source
    and stored.session_id = reparsed.session_id
    and stored.component = reparsed.component;
