-- Purpose: a message that is sent again as asked takes the place of those still open.
-- Parameters: person_id.
-- Safe to repeat: yes.
update bksb.invitation
set state = 'superseded'
where person_id = %(person_id)s and kind in ('invitation', 'resend') and state in ('sending', 'waiting');
