-- Purpose: mark a person as blocked, because nothing can be done for them now. bksb.issue says why.
-- Parameters: person_id.
-- Safe to repeat: yes; checked_at of a blocked account moves once a day.
insert into bksb.account as existing (person_id, state, checked_at)
values (%(person_id)s, 'blocked', now())
on conflict (person_id) do update
set
    state = excluded.state,
    username = null,
    checked_at = excluded.checked_at
where
    existing.state in ('pending', 'creating')
    or (existing.state = 'blocked' and (existing.checked_at is null or existing.checked_at < now() - interval '1 day'));
