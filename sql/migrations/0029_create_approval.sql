-- Purpose: which run asked a person before it acted, why, and what became of it; the latest that went ahead is what
-- later runs are compared with.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.approval (
    dag_id text not null,
    run_id text not null,
    planned_at timestamptz not null default now(),
    people integer not null,
    creations integer not null,
    reasons text[] not null,
    outcome text not null check (outcome in ('waiting', 'approved', 'rejected', 'not_asked')),
    decided_at timestamptz,
    primary key (dag_id, run_id)
);
