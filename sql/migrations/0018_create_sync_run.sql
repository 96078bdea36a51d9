-- Purpose: one line for each attempt at a DAG run, for people who do not look at Airflow.
-- Safe to repeat: no; applied once by `migrate`.
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
