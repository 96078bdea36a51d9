-- Purpose: create the tables of runs and issues.
-- Safe to repeat: no; `migrate` applies it once.
create table bksb.sync_run (
    dag_id text not null,
    run_id text not null,
    attempt integer not null,
    run_type text not null,
    interval_start timestamptz,
    interval_end timestamptz,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    state text not null check (state in ('running', 'success', 'failed')),
    counts jsonb not null default '{}',
    primary key (dag_id, run_id, attempt)
);

create table bksb.issue (
    id bigint generated always as identity primary key,
    code text not null,
    subject_key text not null,
    person_id text,
    detail text not null default '',
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    resolved_at timestamptz
);

-- an issue can be open only once
create unique index issue_open_key on bksb.issue (code, subject_key) where resolved_at is null;
