-- Purpose: create the tables of people: learners and applicants, their contact details, and the people of each results
--     run.
-- Safe to repeat: no; `migrate` applies it once.
create table bksb.learner (
    person_id text primary key check (person_id <> ''),
    person_kind text not null check (person_kind in ('learner', 'applicant')),
    learn_ref_number text,
    programme text,
    programme_status text,
    start_on date,
    ended_on date,
    eligible boolean not null,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now()
);

-- a table of its own, because readers get learner but not contact details
create table bksb.learner_contact (
    person_id text primary key,
    given_names text,
    family_name text,
    email text
);

-- a table of its own, so that a run about a past day never changes learner
create table bksb.run_person (
    dag_id text not null,
    run_id text not null,
    person_id text not null,
    person_kind text not null,
    programme text,
    start_on date,
    ended_on date,
    written_at timestamptz not null default now(),
    bucket smallint not null,
    primary key (dag_id, run_id, person_id)
);
