-- Purpose: remember when bksb last gave an answer that may not be complete, so that no older one replaces it.
-- Safe to repeat: yes.
insert into bksb.incomplete_answer as known (bksb_user_id, source, answered_at)
select
    bksb_user_id,
    source,
    synced_at
from loaded_source
where not complete
on conflict (bksb_user_id, source) do update
set answered_at = excluded.answered_at
where known.answered_at < excluded.answered_at;
