-- Purpose: what a run of bksb_accounts set out to do (and a dry run would have done), one line a person.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.planned_action (
    dag_id text not null,
    run_id text not null,
    person_id text not null,
    action text not null,
    reason text not null,
    primary key (dag_id, run_id, person_id)
);
