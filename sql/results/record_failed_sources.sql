-- Purpose: record the sources that gave no usable answer just now.
-- Parameters: bksb_user_ids, sources: parallel arrays.
-- Safe to repeat: yes.
insert into bksb.account_source (bksb_user_id, source, failed_at)
select
    asked.bksb_user_id,
    asked.source,
    now() as failed_at
from unnest(%(bksb_user_ids)s::bigint[], %(sources)s::text[]) as asked (bksb_user_id, source)
on conflict (bksb_user_id, source) do update
set failed_at = excluded.failed_at;
