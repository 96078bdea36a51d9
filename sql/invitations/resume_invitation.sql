-- Purpose: the intent to hand over again a message that was begun before, under the same Message-ID.
-- Parameters: person_id, intent_at, run_id; repeated, true if nobody knows whether the first try arrived.
-- Result: intent_at; no row if the account is not, or no longer, one that was made here and is active.
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
