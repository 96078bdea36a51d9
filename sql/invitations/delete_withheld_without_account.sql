-- Purpose: invitations that were withheld from somebody for whom no account came about: nobody else's account, nor one
--     made for them some day, is to be kept silent about.
-- Safe to repeat: yes.
delete from bksb.invitation
where
    state = 'withheld'
    and not exists (
        select 1 from bksb.account
        where
            account.person_id = invitation.person_id
            and (account.bksb_user_id is not null or account.state = 'creating')
    );
