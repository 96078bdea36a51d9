-- Purpose: record that an account is about to be created. Committed before createUser is sent, so that a crash leaves a
--     trace.
-- Parameters: person_id, username.
-- Safe to repeat: yes.
insert into bksb.account as existing (person_id, username, state)
values (%(person_id)s, %(username)s, 'creating')
on conflict (person_id) do update
set
    username = excluded.username,
    state = excluded.state
where
    existing.state in ('pending', 'blocked', 'creating')
    and (existing.state, existing.username) is distinct from (excluded.state, excluded.username);
