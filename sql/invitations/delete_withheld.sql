-- Purpose: delete withheld invitations for accounts that were never created. The run that creates the account now
--     decides whether to invite.
-- Parameters: person_ids.
-- Safe to repeat: yes.
delete from bksb.invitation
using bksb.account
where
    invitation.person_id = account.person_id
    and account.person_id = any(%(person_ids)s::text[])
    and account.bksb_user_id is null
    and invitation.state = 'withheld';
