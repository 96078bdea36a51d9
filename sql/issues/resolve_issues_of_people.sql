-- Purpose: resolve issues about people if they no longer hold.
-- Parameters: codes: those that were checked; person_ids: those that were checked (null: everyone); still_codes,
--     still_keys: parallel arrays of the issues that still hold.
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
    -- the order in which issues are opened, so that two writers never deadlock
    order by issue.code, issue.subject_key
    for update of issue
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
