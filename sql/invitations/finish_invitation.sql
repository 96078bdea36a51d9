-- Purpose: record that the mail server accepted a message.
-- Parameters: person_id, intent_at.
-- Safe to repeat: no; sent_at would move.
with finished as (
    update bksb.invitation
    set
        state = 'sent',
        sent_at = clock_timestamp(),
        reason = null,
        address_digest = null
    where person_id = %(person_id)s and intent_at = %(intent_at)s
    returning person_id, kind, sent_at
)

update bksb.account
set invited_at = finished.sent_at
from finished
where account.person_id = finished.person_id and finished.kind <> 'reminder';
