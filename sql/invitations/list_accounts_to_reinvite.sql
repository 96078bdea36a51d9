-- Purpose: list the accounts of people to invite again.
-- Parameters: person_ids; run_id of the run that asks; setting_digest of the current password setting (null: none).
-- Result: person_id, username, made_here (active and created here, so we know its password), password_changed (created
--     under another password setting), asked_before (an earlier try of this run began the resend).
-- Safe to repeat: yes; it only reads.
with resend as (
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
    resend.person_id is not null as asked_before
from bksb.account
left join resend on account.person_id = resend.person_id
left join bksb.initial_password on account.person_id = initial_password.person_id
where account.person_id = any(%(person_ids)s::text[])
order by account.person_id;
