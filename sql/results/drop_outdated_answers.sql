-- Purpose: an answer from before the one loaded last is dropped: older never replaces newer.
-- Safe to repeat: yes.
delete from loaded_result
using loaded_source, bksb.account_source
where
    loaded_result.bksb_user_id = loaded_source.bksb_user_id
    and loaded_result.source = loaded_source.source
    and loaded_result.bksb_user_id = account_source.bksb_user_id
    and loaded_result.source = account_source.source
    and account_source.synced_at > loaded_source.synced_at;
