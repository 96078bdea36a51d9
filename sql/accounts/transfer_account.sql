-- Purpose: move an account to the new person_id of an applicant who became a learner.
-- Parameters: former_person_id, person_id.
-- Safe to repeat: yes.
update bksb.account
set person_id = %(person_id)s
where person_id = %(former_person_id)s;
