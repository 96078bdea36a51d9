-- Purpose: open issues. An issue that is open already gets the new detail, and its last_seen_at moves once a day.
-- Parameters: codes, subject_keys, person_ids, details: parallel arrays; day_start: when the current day began.
-- Safe to repeat: yes.
insert into bksb.issue as existing (code, subject_key, person_id, detail)
select
    found.code,
    found.subject_key,
    found.person_id,
    found.detail
from unnest(%(codes)s::text[], %(subject_keys)s::text[], %(person_ids)s::text[], %(details)s::text[])
    as found (code, subject_key, person_id, detail)
on conflict (code, subject_key) where resolved_at is null do update
set
    person_id = excluded.person_id,
    detail = excluded.detail,
    last_seen_at = now()
where
    existing.last_seen_at < %(day_start)s
    or (existing.person_id, existing.detail) is distinct from (excluded.person_id, excluded.detail);
