-- Purpose: issues about people that no longer hold are resolved, never deleted.
-- Parameters: codes, the codes looked at; person_ids, the people looked at (null: everybody);
--     still_codes and still_keys, the (code, subject_key) pairs that do hold, side by side.
-- Locked in one order wherever issues are resolved or opened, so that two writers never wait for each other.
-- Safe to repeat: yes.
with locked as (
    select issue.id
    from bksb.issue
    where
        issue.resolved_at is null
        and issue.person_id is not null
        and issue.code = any(%(codes)s)
        and (%(person_ids)s::text[] is null or issue.person_id = any(%(person_ids)s::text[]))
        and not exists (
            select 1
            from unnest(%(still_codes)s::text[], %(still_keys)s::text[]) as still (code, subject_key)
            where still.code = issue.code and still.subject_key = issue.subject_key
        )
    order by issue.code, issue.subject_key
    for update of issue
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
