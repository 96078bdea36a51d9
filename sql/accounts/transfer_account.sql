-- Purpose: an applicant became a learner under another person_id: the account moves along.
-- Parameters: former_person_id, person_id.
-- Safe to repeat: yes.
update bksb.account
set person_id = %(person_id)s
where person_id = %(former_person_id)s;
