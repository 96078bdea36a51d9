-- Purpose: a person has had this bksb account all along: take it as theirs; an account gone stale is healed by it.
-- Parameters: person_id, username, bksb_user_id.
-- Safe to repeat: yes, an account that is active or under creation is left alone.
insert into bksb.account as known (person_id, username, bksb_user_id, state, origin, linked_at, checked_at)
values (%(person_id)s, %(username)s, %(bksb_user_id)s, 'active', 'imported', now(), now())
on conflict (person_id) do update
set
    username = excluded.username,
    bksb_user_id = excluded.bksb_user_id,
    state = excluded.state,
    origin = excluded.origin,
    created_at = null,
    linked_at = excluded.linked_at,
    checked_at = excluded.checked_at
where known.state in ('pending', 'blocked', 'stale');
