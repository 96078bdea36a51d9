-- Purpose: list the people to remind: invited some time ago, without any result, and not reminded yet. Also lists
--     reminders that are open, refused, or repeated by this run.
-- Parameters: person_ids (null: everyone); invited_before; run_id; sources: those that are fetched; looked_at_since:
--     see results_known.
-- Result: person_id, username, kind; results_known: every source was read completely since looked_at_since; and of the
--     last reminder (null if there is none) intent_at, message_id, state, repeated, last_run_id, reason,
--     address_digest.
-- Safe to repeat: yes; it only reads.
with last_reminder as (
    select distinct on (person_id)
        person_id,
        intent_at,
        message_id,
        state,
        repeated,
        last_run_id,
        reason,
        address_digest
    from bksb.invitation
    where kind = 'reminder' and state <> 'superseded'
    order by person_id asc, intent_at desc
)

select
    account.person_id,
    account.username,
    'reminder' as kind,
    not exists (
        select 1
        from unnest(%(sources)s::text[]) as fetched (source)
        left join bksb.account_source
            on
                account.bksb_user_id = account_source.bksb_user_id
                and fetched.source = account_source.source
                and account_source.synced_at >= %(looked_at_since)s
        where account_source.source is null
    ) as results_known,
    last_reminder.intent_at,
    last_reminder.message_id,
    last_reminder.state,
    last_reminder.repeated,
    last_reminder.last_run_id,
    last_reminder.reason,
    last_reminder.address_digest
from bksb.account
left join last_reminder on account.person_id = last_reminder.person_id
where
    account.state = 'active'
    and account.origin = 'created'
    and account.invited_at <= %(invited_before)s
    and (%(person_ids)s::text[] is null or account.person_id = any(%(person_ids)s::text[]))
    and (
        last_reminder.state is null
        or last_reminder.state in ('sending', 'waiting', 'refused')
        or (last_reminder.repeated and last_reminder.last_run_id = %(run_id)s)
    )
    and not exists (
        select 1
        from bksb.account_link
        inner join bksb.assessment_result on account_link.bksb_user_id = assessment_result.bksb_user_id
        where
            account_link.person_id = account.person_id
            and account_link.withdrawn_at is null
            and assessment_result.missing_since is null
    )
order by account.person_id;
