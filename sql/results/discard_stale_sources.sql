-- Purpose: discard a listing that is older than the newest one loaded, complete or not. It cannot show what is missing,
--     and must not move synced_at.
-- Result: a row for each discarded listing.
-- Safe to repeat: yes.
delete from loaded_source
using bksb.account_source
where
    loaded_source.bksb_user_id = account_source.bksb_user_id
    and loaded_source.source = account_source.source
    and greatest(account_source.synced_at, account_source.incomplete_at) > loaded_source.synced_at
returning loaded_source.bksb_user_id;
