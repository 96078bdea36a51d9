-- Purpose: who was invited some time ago, has no result at all, and was not reminded yet; and reminders that are open,
--     refused, or repeated by this run.
-- Parameters: person_ids, the people looked at (null: everybody); invited_before; run_id; sources, those that are
--     fetched; looked_at_since: "no result" counts only if every source was read completely since then.
-- Result: person_id, username, kind, results_known (whether it counts); intent_at, message_id, state, repeated,
--     last_run_id, reason, address_digest of the last reminder, all null for somebody not reminded.
-- Safe to repeat: yes, it only reads.
with last_one as (
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
    last_one.intent_at,
    last_one.message_id,
    last_one.state,
    last_one.repeated,
    last_one.last_run_id,
    last_one.reason,
    last_one.address_digest
from bksb.account
left join last_one on account.person_id = last_one.person_id
where
    account.state = 'active'
    and account.origin = 'created'
    and account.invited_at <= %(invited_before)s
    and (%(person_ids)s::text[] is null or account.person_id = any(%(person_ids)s::text[]))
    and (
        last_one.state is null
        or last_one.state in ('sending', 'waiting', 'refused')
        or (last_one.repeated and last_one.last_run_id = %(run_id)s)
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
