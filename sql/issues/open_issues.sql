-- Purpose: things a person should look at; one seen again only moves last_seen_at, once a day.
-- Parameters: codes, subject_keys, person_ids, details, side by side; day_start, the first moment of today.
-- Safe to repeat: yes.
insert into bksb.issue as known (code, subject_key, person_id, detail)
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
    known.last_seen_at < %(day_start)s
    or (known.person_id, known.detail) is distinct from (excluded.person_id, excluded.detail);
