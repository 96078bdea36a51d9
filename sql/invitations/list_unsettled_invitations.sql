-- Purpose: list the accounts created here that may need an invitation: never invited; or the last invitation or resend
--     is open, refused, unknown, or repeated by this run.
-- Parameters: person_ids (null: everyone); run_id; setting_digest of the current password setting (null: none).
-- Result: person_id, username, password_changed (created under another password setting), without_results; and of the
--     last message (null if there is none) kind, intent_at, message_id, state, repeated, last_run_id, reason,
--     address_digest.
-- Safe to repeat: yes; it only reads.
with last_message as (
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
    last_message.kind,
    last_message.intent_at,
    last_message.message_id,
    last_message.state,
    last_message.repeated,
    last_message.last_run_id,
    last_message.reason,
    last_message.address_digest
from bksb.account
left join last_message on account.person_id = last_message.person_id
left join bksb.initial_password on account.person_id = initial_password.person_id
where
    account.state = 'active'
    and account.origin = 'created'
    and (%(person_ids)s::text[] is null or account.person_id = any(%(person_ids)s::text[]))
    and (
        (last_message.kind is null and account.invited_at is null)
        or last_message.state in ('sending', 'waiting', 'refused', 'unknown')
        or (last_message.repeated and last_message.last_run_id = %(run_id)s)
    )
order by account.person_id;
