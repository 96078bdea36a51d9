-- Purpose: whose invitation is not over and done with: accounts made here that were never invited, those whose last
--     invitation (or resend) is open, refused or of unknown fate, and those repeated by this run.
-- Parameters: person_ids, the people looked at (null: everybody); run_id; setting_digest, of the password setting of
--     now (null: none).
-- Result: person_id, username, password_changed (the account was made under another password setting), without_results;
--     kind, intent_at, message_id, state, repeated, last_run_id, reason, address_digest of the
--     last one; kind and all that follows null for somebody never invited.
-- Safe to repeat: yes, it only reads.
with last_one as (
    select distinct on (person_id)
        person_id,
        kind,
        intent_at,
        message_id,
        state,
        repeated,
        last_run_id,
        reason,
        address_digest
    from bksb.invitation
    where kind in ('invitation', 'resend') and state <> 'superseded'
    order by person_id asc, intent_at desc
)

select
    account.person_id,
    account.username,
    (
        initial_password.person_id is not null
        and initial_password.setting_digest is distinct from %(setting_digest)s::text
        and %(setting_digest)s::text is not null
    ) as password_changed,
    not exists (
        select 1
        from bksb.account_link
        inner join bksb.assessment_result on account_link.bksb_user_id = assessment_result.bksb_user_id
        where
            account_link.person_id = account.person_id
            and account_link.withdrawn_at is null
            and assessment_result.missing_since is null
    ) as without_results,
    last_one.kind,
    last_one.intent_at,
    last_one.message_id,
    last_one.state,
    last_one.repeated,
    last_one.last_run_id,
    last_one.reason,
    last_one.address_digest
from bksb.account
left join last_one on account.person_id = last_one.person_id
left join bksb.initial_password on account.person_id = initial_password.person_id
where
    account.state = 'active'
    and account.origin = 'created'
    and (%(person_ids)s::text[] is null or account.person_id = any(%(person_ids)s::text[]))
    and (
        (last_one.kind is null and account.invited_at is null)
        or last_one.state in ('sending', 'waiting', 'refused', 'unknown')
        or (last_one.repeated and last_one.last_run_id = %(run_id)s)
    )
order by account.person_id;
