-- Purpose: delete the withheld invitations of people who ended up without an account. A later account must be invited
--     normally.
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
