-- Purpose: remember up to which moment each source of each user is known completely (synced_at), and when bksb last
--     answered only in part (incomplete_at). Neither moves back, and an incomplete answer does not move synced_at.
-- Only the writer load_results writes here, so new rows can be inserted without looking for conflicts.
-- Safe to repeat: yes.
with answer as (
    select
        bksb_user_id,
        source,
        case when complete then synced_at end as synced_at,
        case when not complete then synced_at end as incomplete_at
    from loaded_source
),

moved as (
    update bksb.account_source
    set
        synced_at = greatest(account_source.synced_at, answer.synced_at),
        incomplete_at = greatest(account_source.incomplete_at, answer.incomplete_at)
    from answer
    where
        account_source.bksb_user_id = answer.bksb_user_id
        and account_source.source = answer.source
        and (
            answer.synced_at > coalesce(account_source.synced_at, '-infinity')
            or answer.incomplete_at > coalesce(account_source.incomplete_at, '-infinity')
        )
)

insert into bksb.account_source (bksb_user_id, source, synced_at, incomplete_at)
select
    bksb_user_id,
    source,
    synced_at,
    incomplete_at
from answer
where
    not exists (
        select 1 from bksb.account_source
        where
            account_source.bksb_user_id = answer.bksb_user_id
            and account_source.source = answer.source
    );
