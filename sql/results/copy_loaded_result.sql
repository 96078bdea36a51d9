-- Purpose: load the results just read from bksb.
-- Safe to repeat: no; rows would be loaded twice.
copy loaded_result (
    bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
    assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
    completed_raw, raw
) from stdin;
