-- Purpose: the people one results run is about: a past day's people never touch bksb.learner.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.run_person (
    dag_id text not null,
    run_id text not null,
    person_id text not null,
    person_kind text not null,
    programme text,
    start_on date,
    ended_on date,
    written_at timestamptz not null default now(),
    primary key (dag_id, run_id, person_id)
);
