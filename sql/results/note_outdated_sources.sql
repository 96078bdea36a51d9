-- Purpose: an answer from before the one loaded last says nothing about what is missing, and moves no watermark.
-- Result: a row for each such answer.
-- Safe to repeat: yes.
update loaded_source
set complete = false
from bksb.account_source
where
    loaded_source.bksb_user_id = account_source.bksb_user_id
    and loaded_source.source = account_source.source
    and account_source.synced_at > loaded_source.synced_at
returning loaded_source.bksb_user_id;
