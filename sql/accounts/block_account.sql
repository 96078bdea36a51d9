-- Purpose: nothing can be done for this person now; bksb.issue says why. checked_at notes when bksb was last asked.
-- Parameters: person_id.
-- Safe to repeat: yes; a blocked account's checked_at moves once a day.
insert into bksb.account as known (person_id, state, checked_at)
values (%(person_id)s, 'blocked', now())
on conflict (person_id) do update
set
    state = excluded.state,
    username = null,
    checked_at = excluded.checked_at
where
    known.state in ('pending', 'creating')
    or (known.state = 'blocked' and (known.checked_at is null or known.checked_at < now() - interval '1 day'));
