-- Purpose: a place for readings that differ from those in bksb.assessment_result; gone with the transaction.
-- Safe to repeat: once a transaction.
create temporary table new_reading (
    bksb_user_id bigint,
    source text,
    session_id text,
    component text,
    subject text,
    level_code text,
    level_order smallint,
    percent numeric,
    completed_at timestamptz,
    primary key (bksb_user_id, source, session_id, component)
) on commit drop;
