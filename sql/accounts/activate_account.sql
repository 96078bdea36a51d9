-- Purpose: give a bksb account to a person.
-- Parameters: person_id, username, bksb_user_id, origin; overwritable_states: an existing row is overwritten only in
--     one of these states.
-- Result: person_id; no row if the existing row was left alone.
-- Safe to repeat: yes.
insert into bksb.account as existing (
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
where existing.state = any(%(overwritable_states)s::text[])
returning existing.person_id;
