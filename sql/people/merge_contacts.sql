-- Purpose: update bksb.learner_contact from the people just extracted.
-- Safe to repeat: yes.
insert into bksb.learner_contact as existing (person_id, given_names, family_name, email)
select
    person_id,
    given_names,
    family_name,
    email
from extracted_person
on conflict (person_id) do update
set
    given_names = excluded.given_names,
    family_name = excluded.family_name,
    email = excluded.email
where
    (existing.given_names, existing.family_name, existing.email)
    is distinct from (excluded.given_names, excluded.family_name, excluded.email);
