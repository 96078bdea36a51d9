-- Purpose: what is read otherwise by now is replaced, bksb's raw answer stays; bksb.result_change is about bksb's
--     changes, not ours, and the run that loaded a result stays the one that answers for it.
-- Safe to repeat: yes.
update bksb.assessment_result as known
set
    assessment_kind = again.assessment_kind,
    subject = again.subject,
    course_subject_raw = again.course_subject_raw,
    course_name = again.course_name,
    assessment_id = again.assessment_id,
    assessment_name = again.assessment_name,
    result_raw = again.result_raw,
    level_code = again.level_code,
    level_order = again.level_order,
    percent = again.percent,
    completed_at = again.completed_at,
    completed_raw = again.completed_raw,
    changed_at = now()
from loaded_result as again
where
    known.bksb_user_id = again.bksb_user_id
    and known.source = again.source
    and known.session_id = again.session_id
    and known.component = again.component;
