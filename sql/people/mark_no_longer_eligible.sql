-- Purpose: mark people as not eligible if the MIS did not list them this time. Nothing about them is deleted.
-- Safe to repeat: yes.
update bksb.learner
set eligible = false
where
    eligible
    and not exists (select 1 from extracted_person where extracted_person.person_id = learner.person_id);
