-- Purpose: the people the sync is about, as known by the last run about now; nothing that names a person.
-- Safe to repeat: no; applied once by `migrate`.
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
