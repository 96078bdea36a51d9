-- Purpose: remember up to which moment each user and source is known to be complete; it never moves back, and an
-- answer that was not complete does not move it.
-- Whoever writes here does so as the writer load_results, so that what is not known can be inserted without looking for
-- conflicts.
-- Safe to repeat: yes.
with moved as (
    update bksb.account_source
    set synced_at = loaded_source.synced_at
    from loaded_source
    where
        loaded_source.complete
        and account_source.bksb_user_id = loaded_source.bksb_user_id
        and account_source.source = loaded_source.source
        and account_source.synced_at < loaded_source.synced_at
)

insert into bksb.account_source (bksb_user_id, source, synced_at)
select
    bksb_user_id,
    source,
    synced_at
from loaded_source
where
    complete
    and not exists (
        select 1 from bksb.account_source
        where
            account_source.bksb_user_id = loaded_source.bksb_user_id
            and account_source.source = loaded_source.source
    );
