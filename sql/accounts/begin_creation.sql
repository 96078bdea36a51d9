-- Purpose: the intent, committed before createUser is sent, so that a crash leaves a trace to settle; and which
--     password setting it is sent under, null if an unfinished creation was begun under another one.
-- Parameters: person_id, username; setting_digest, of the password setting.
-- Safe to repeat: yes.
with before as (
    select state
    from bksb.account
    where person_id = %(person_id)s
),

intent as (
    insert into bksb.account as known (person_id, username, state)
    values (%(person_id)s, %(username)s, 'creating')
    on conflict (person_id) do update
    set
        username = excluded.username,
        state = excluded.state
    where
        known.state in ('pending', 'blocked', 'creating')
        and (known.state, known.username) is distinct from (excluded.state, excluded.username)
)

insert into bksb.initial_password as noted (person_id, setting_digest)
values (%(person_id)s, %(setting_digest)s)
on conflict (person_id) do update
set
    setting_digest = case
        when (select before.state from before) = 'creating' then null else excluded.setting_digest
    end
where noted.setting_digest is distinct from excluded.setting_digest;
