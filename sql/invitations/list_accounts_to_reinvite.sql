-- Purpose: the accounts of people for whom a person has asked that they be invited again.
-- Parameters: person_ids, the people named; run_id, the run that asks; setting_digest, of the password setting of now
--     (null: none).
-- Result: person_id, username, made_here (created here and active: its password is ours), password_changed (it was made
--     under another password setting), asked_before (this run has
--     begun or done it already, in an earlier try).
-- Safe to repeat: yes, it only reads.
with asked as (
    select distinct person_id
    from bksb.invitation
    where kind = 'resend' and run_id = %(run_id)s
)

select
    account.person_id,
    account.username,
    coalesce(account.state = 'active' and account.origin = 'created', false) as made_here,
    (
        initial_password.person_id is not null
        and initial_password.setting_digest is distinct from %(setting_digest)s::text
        and %(setting_digest)s::text is not null
    ) as password_changed,
    asked.person_id is not null as asked_before
from bksb.account
left join asked on account.person_id = asked.person_id
left join bksb.initial_password on account.person_id = initial_password.person_id
where account.person_id = any(%(person_ids)s::text[])
order by account.person_id;
