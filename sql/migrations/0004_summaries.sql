-- Purpose: create the tables of summaries, and of requests to rebuild them.
-- Safe to repeat: no; `migrate` applies it once.
create table bksb.skill_summary (
    person_id text not null,
    subject text not null,
    latest_level_code text,
    latest_level_order smallint,
    latest_at timestamptz,
    best_level_code text,
    best_level_order smallint,
    starting_level_code text,
    starting_level_order smallint,
    starting_at timestamptz,
    latest_diagnostic_percent numeric,
    last_assessed_at timestamptz,
    primary key (person_id, subject)
);

create table bksb.daily_activity (
    day date not null,
    subject text not null,
    assessment_kind text not null,
    level_code text not null,
    results integer not null,
    learners integer not null,
    primary key (day, subject, assessment_kind, level_code)
);

create table bksb.summary_rebuild_due (
    table_name text not null check (table_name in ('skill_summary', 'daily_activity')),
    due_at timestamptz not null default now()
);

create table bksb.summary_rebuild (
    table_name text primary key check (table_name in ('skill_summary', 'daily_activity')),
    counted_at timestamptz not null,
    zone text not null,
    starting_point_days integer not null
);
