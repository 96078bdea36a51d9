-- Purpose: these issues no longer hold.
-- Parameters: ids.
-- Locked in one order wherever issues are resolved or opened, so that two writers never wait for each other.
-- Safe to repeat: yes.
with locked as (
    select id
    from bksb.issue
    where resolved_at is null and id = any(%(ids)s::bigint[])
    order by code, subject_key
    for update
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
