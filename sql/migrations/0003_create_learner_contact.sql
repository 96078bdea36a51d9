-- Purpose: how to reach a person; apart from the rest, so that plain readers are not granted it.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.learner_contact (
    person_id text primary key,
    given_names text,
    family_name text,
    email text
);
