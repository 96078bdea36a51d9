-- Purpose: the intent to create an account, committed before createUser is sent, so that a crash leaves a trace.
-- Parameters: person_id, username.
-- Safe to repeat: yes.
insert into bksb.account as known (person_id, username, state)
values (%(person_id)s, %(username)s, 'creating')
on conflict (person_id) do update
set
    username = excluded.username,
    state = excluded.state
where
    known.state in ('pending', 'blocked', 'creating')
    and (known.state, known.username) is distinct from (excluded.state, excluded.username);
