-- Purpose: a person's account is there.
-- Parameters: person_id, username, bksb_user_id, origin (created or linked).
-- Safe to repeat: yes, an active account is left alone.
insert into bksb.account as known (
    person_id, username, bksb_user_id, state, origin, created_at, linked_at, checked_at
)
values (
    %(person_id)s,
    %(username)s,
    %(bksb_user_id)s,
    'active',
    %(origin)s,
    case when %(origin)s = 'created' then now() end,
    now(),
    now()
)
on conflict (person_id) do update
set
    username = excluded.username,
    bksb_user_id = excluded.bksb_user_id,
    state = excluded.state,
    origin = excluded.origin,
    created_at = excluded.created_at,
    linked_at = excluded.linked_at,
    checked_at = excluded.checked_at
where known.state in ('pending', 'creating', 'blocked', 'stale');
