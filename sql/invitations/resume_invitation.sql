-- Purpose: record that a message is about to be handed over again, under the same Message-ID.
-- Parameters: person_id, intent_at, run_id; repeated: true if we do not know whether the first try arrived.
-- Result: intent_at; no row unless the account is active and was created here.
-- Safe to repeat: yes.
update bksb.invitation
set
    state = 'sending',
    repeated = %(repeated)s,
    last_run_id = %(run_id)s
from bksb.account
where
    invitation.person_id = %(person_id)s
    and invitation.intent_at = %(intent_at)s
    and account.person_id = invitation.person_id
    and account.state = 'active'
    and account.origin = 'created'
returning invitation.intent_at;
