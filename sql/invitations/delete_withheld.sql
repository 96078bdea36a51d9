-- Purpose: an earlier run that was told not to invite never made these accounts; another run makes them now, and what
--     it was told counts.
-- Parameters: person_ids.
-- Safe to repeat: yes.
delete from bksb.invitation
using bksb.account
where
    invitation.person_id = account.person_id
    and account.person_id = any(%(person_ids)s::text[])
    and account.bksb_user_id is null
    and invitation.state = 'withheld';
