-- Purpose: every result bksb has shown us, its own text beside our reading of it.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.assessment_result (
    bksb_user_id bigint not null,
    source text not null check (source in ('initial', 'diagnostic', 'v5')),
    session_id text not null,
    component text not null default '',
    assessment_kind text not null check (assessment_kind in ('initial', 'diagnostic')),
    subject text not null,
    course_subject_raw text not null,
    course_name text not null,
    assessment_id bigint,
    assessment_name text not null,
    result_raw text not null,
    level_code text check (level_code in ('PRE', 'E1', 'E2', 'E3', 'L1', 'L2', 'L3')),
    level_order smallint check (level_order between 0 and 6),
    percent numeric check (percent between 0 and 100),
    completed_at timestamptz,
    completed_raw text not null,
    raw jsonb not null,
    first_seen_at timestamptz not null,
    changed_at timestamptz not null,
    missing_since timestamptz,
    run_id text not null,
    primary key (bksb_user_id, source, session_id, component),
    check ((level_code is null) = (level_order is null))
);
