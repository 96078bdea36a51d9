-- Purpose: these issues no longer hold.
-- Parameters: ids.
-- Safe to repeat: yes.
update bksb.issue
set resolved_at = now()
where resolved_at is null and id = any(%(ids)s::bigint[]);
