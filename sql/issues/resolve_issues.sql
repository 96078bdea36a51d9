-- Purpose: resolve these issues.
-- Parameters: ids.
-- Safe to repeat: yes.
with locked as (
    select id
    from bksb.issue
    where resolved_at is null and id = any(%(ids)s::bigint[])
    -- the order in which issues are opened, so that two writers never deadlock
    order by code, subject_key
    for update
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
