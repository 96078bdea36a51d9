-- Purpose: list every result: bksb's texts, its raw answer ({} if no longer kept), and our reading.
-- Result: the columns of copy_loaded_result, in its order.
-- Safe to repeat: yes; it only reads.
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
    raw
from bksb.assessment_result;
