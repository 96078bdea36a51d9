-- Purpose: note which sources of which users were asked for in vain just now.
-- Parameters: bksb_user_ids, sources, side by side.
-- Safe to repeat: yes.
insert into bksb.unanswered_source as known (bksb_user_id, source, asked_at)
select
    asked.bksb_user_id,
    asked.source,
    now() as asked_at
from unnest(%(bksb_user_ids)s::bigint[], %(sources)s::text[]) as asked (bksb_user_id, source)
on conflict (bksb_user_id, source) do update
set asked_at = excluded.asked_at;
