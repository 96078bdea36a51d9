-- Purpose: an answer from before the one loaded last is dropped, be that one complete or not: it says nothing about
-- what is missing, and moves no watermark.
-- Result: a row for each such answer.
-- Safe to repeat: yes.
delete from loaded_source
using (
    select
        bksb_user_id,
        source,
        synced_at as answered_at
    from bksb.account_source
    union all
    select
        bksb_user_id,
        source,
        answered_at
    from bksb.incomplete_answer
) as known
where
    loaded_source.bksb_user_id = known.bksb_user_id
    and loaded_source.source = known.source
    and known.answered_at > loaded_source.synced_at
returning loaded_source.bksb_user_id;
