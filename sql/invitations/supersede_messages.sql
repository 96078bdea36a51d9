-- Purpose: every message to a person was about an account that is no longer theirs.
-- Parameters: person_id.
-- Safe to repeat: yes.
update bksb.invitation
set state = 'superseded'
where person_id = %(person_id)s;
