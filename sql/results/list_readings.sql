-- Purpose: every result with bksb's own text and our reading of it.
-- Result: bksb_user_id, source, session_id, component, result_raw, assessment_name, course_subject_raw, completed_raw;
--     then our reading: subject, level_code, percent, completed_at.
-- Safe to repeat: yes, it only reads.
select
    bksb_user_id,
    source,
    session_id,
    component,
    result_raw,
    assessment_name,
    course_subject_raw,
    completed_raw,
    subject,
    level_code,
    percent,
    completed_at
from bksb.assessment_result;
