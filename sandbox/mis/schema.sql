-- Purpose: create the tables of the simulated MIS, which are like those of PICS.
-- Parameters: none.
-- Result: none.
-- Safe to repeat: yes.

create table if not exists person (
    person_id text primary key,
    learn_ref_number text,
    forenames text,
    surname text,
    email text,
    date_of_birth date,
    bksb_username text,
    former_person_id text
);

create table if not exists episode (
    episode_id integer primary key,
    person_id text not null references person (person_id),
    programme text,
    system_status text,
    programme_status text,
    start_date date,
    planned_end_date date,
    actual_end_date date
);

create table if not exists application (
    application_id integer primary key,
    person_id text not null references person (person_id),
    programme text,
    system_status text,
    application_status text,
    applied_date date
);

create index if not exists episode_person_id on episode (person_id);

create index if not exists application_person_id on application (person_id);
