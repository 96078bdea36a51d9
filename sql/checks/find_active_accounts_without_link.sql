-- Purpose: check that every active account has an open link to the same bksb user.
-- Result: id: the person; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select account.person_id as id
from bksb.account
left join bksb.account_link
    on
        account.person_id = account_link.person_id
        and account.bksb_user_id = account_link.bksb_user_id
        and account_link.to_at is null
where account.state = 'active' and account_link.person_id is null
order by id
limit 20;
