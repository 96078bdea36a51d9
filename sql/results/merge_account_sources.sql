-- Purpose: remember up to which moment each user and source is known to be complete; it never moves back, and an
-- answer that was not complete does not move it.
-- Safe to repeat: yes.
insert into bksb.account_source as known (bksb_user_id, source, synced_at)
select
    bksb_user_id,
    source,
    synced_at
from loaded_source
where complete
on conflict (bksb_user_id, source) do update
set synced_at = greatest(known.synced_at, excluded.synced_at)
where known.synced_at < excluded.synced_at;
