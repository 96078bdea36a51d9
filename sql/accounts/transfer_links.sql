-- Purpose: move the history of links to the new person_id of an applicant who became a learner.
-- Parameters: former_person_id, person_id.
-- Safe to repeat: yes.
update bksb.account_link
set person_id = %(person_id)s
where person_id = %(former_person_id)s;
