-- Purpose: create the tables of results: how far bksb was read, every result it showed, and old rows of changed
--     results.
-- Safe to repeat: no; `migrate` applies it once.
create table bksb.account_source (
    bksb_user_id bigint not null,
    source text not null check (source in ('initial', 'diagnostic', 'v5')),
    synced_at timestamptz,
    incomplete_at timestamptz,
    failed_at timestamptz,
    primary key (bksb_user_id, source)
);

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

create index assessment_result_completed_at on bksb.assessment_result (completed_at);

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
