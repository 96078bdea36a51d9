-- Purpose: mark the open invitations of a person as superseded by a resend.
-- Parameters: person_id.
-- Safe to repeat: yes.
update bksb.invitation
set state = 'superseded'
where person_id = %(person_id)s and kind in ('invitation', 'resend') and state in ('sending', 'waiting');
