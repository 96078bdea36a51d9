-- Purpose: a place for results just read from bksb, gone with the transaction.
-- Safe to repeat: once a transaction.
create temporary table loaded_result (
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
) on commit drop;
