-- Purpose: the intent, committed before the message is handed over, so that a crash leaves a trace to settle; or a
--     message that a person asked for, and that waits for the next run.
-- Parameters: person_id, message_id, kind (invitation, resend or reminder), state (sending or waiting), run_id.
-- Result: intent_at; no row if the account is not, or no longer, one that was made here and is active.
-- Safe to repeat: no, each message_id once.
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
