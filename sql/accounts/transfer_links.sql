-- Purpose: the history of links moves along with a person who has another person_id now.
-- Parameters: former_person_id, person_id.
-- Safe to repeat: yes.
update bksb.account_link
set person_id = %(person_id)s
where person_id = %(former_person_id)s;
