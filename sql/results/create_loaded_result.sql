-- Purpose: a place for results just read from bksb.
-- Safe to repeat: yes; the table stays with the connection and is empty again after each transaction.
create temporary table if not exists loaded_result (
    bksb_user_id bigint,
    source text,
    session_id text,
    component text,
    assessment_kind text,
    subject text,
    course_subject_raw text,
    course_name text,
    assessment_id bigint,
    assessment_name text,
    result_raw text,
    level_code text,
    level_order smallint,
    percent numeric,
    completed_at timestamptz,
    completed_raw text,
    raw jsonb
) on commit delete rows;
