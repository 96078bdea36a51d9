-- Purpose: a bksb account becomes a person's.
-- Parameters: person_id, username, bksb_user_id, origin; overwritable_states, the states of an earlier row that may be
--     overwritten.
-- Result: person_id; no row if the person's account was left as it is.
-- Safe to repeat: yes.
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
where known.state = any(%(overwritable_states)s::text[])
returning known.person_id;
