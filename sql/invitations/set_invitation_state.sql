-- Purpose: set the state of a message that was neither accepted nor refused.
-- Parameters: person_id, intent_at; state (waiting, sending or unknown); repeated.
-- Safe to repeat: yes.
update bksb.invitation
set
    state = %(state)s,
    repeated = %(repeated)s
where person_id = %(person_id)s and intent_at = %(intent_at)s;
