-- Purpose: mark all messages to a person as superseded, because their account is no longer theirs.
-- Parameters: person_id.
-- Safe to repeat: yes.
update bksb.invitation
set state = 'superseded'
where person_id = %(person_id)s;
