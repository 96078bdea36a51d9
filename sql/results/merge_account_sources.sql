-- Purpose: record how far each source was read: completely (synced_at), or only in part (incomplete_at). Neither ever
--     moves back.
-- Safe to repeat: yes.
with listing as (
    select
        bksb_user_id,
        source,
        case when complete then synced_at end as synced_at,
        case when not complete then synced_at end as incomplete_at
    from loaded_source
),

updated as (
    update bksb.account_source
    set
        synced_at = greatest(account_source.synced_at, listing.synced_at),
        incomplete_at = greatest(account_source.incomplete_at, listing.incomplete_at)
    from listing
    where
        account_source.bksb_user_id = listing.bksb_user_id
        and account_source.source = listing.source
        and (
            listing.synced_at > coalesce(account_source.synced_at, '-infinity')
            or listing.incomplete_at > coalesce(account_source.incomplete_at, '-infinity')
        )
)

-- needs no conflict clause: the lock load_results lets one writer in at a time
insert into bksb.account_source (bksb_user_id, source, synced_at, incomplete_at)
select
    bksb_user_id,
    source,
    synced_at,
    incomplete_at
from listing
where
    not exists (
        select 1 from bksb.account_source
        where
            account_source.bksb_user_id = listing.bksb_user_id
            and account_source.source = listing.source
    );
