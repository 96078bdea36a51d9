-- Purpose: create the temporary table of results just read from bksb.
-- Safe to repeat: yes; the table lives as long as the connection, and each transaction empties it.
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
