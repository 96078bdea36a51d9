-- Purpose: record a message before it is handed to the mail server, so that a crash leaves a trace. Also records a
--     resend that waits for the next run.
-- Parameters: person_id, message_id, kind (invitation, resend or reminder), state (sending or waiting), run_id.
-- Result: intent_at; no row unless the account is active and was created here.
-- Safe to repeat: no; each message_id once.
insert into bksb.invitation (person_id, intent_at, message_id, state, kind, run_id, last_run_id)
select
    person_id,
    clock_timestamp() as intent_at,
    %(message_id)s as message_id,
    %(state)s as state,
    %(kind)s as kind,
    %(run_id)s as run_id,
    %(run_id)s as last_run_id
from bksb.account
where person_id = %(person_id)s and state = 'active' and origin = 'created'
returning intent_at;
