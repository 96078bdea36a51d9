-- Purpose: the row as it was before bksb changed a result, and which run replaced it when.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.result_change (
    id bigint generated always as identity primary key,
    bksb_user_id bigint not null,
    source text not null,
    session_id text not null,
    component text not null,
    assessment_kind text not null,
    subject text not null,
    course_subject_raw text not null,
    course_name text not null,
    assessment_id bigint,
    assessment_name text not null,
    result_raw text not null,
    level_code text,
    level_order smallint,
    percent numeric,
    completed_at timestamptz,
    completed_raw text not null,
    raw jsonb not null,
    changed_at timestamptz not null,
    run_id text not null,
    replaced_at timestamptz not null default now(),
    replaced_by_run_id text not null
);
