-- Purpose: record that the mail server refused a message for good.
-- Parameters: person_id, intent_at; reason, without personal data; address_digest of the refused address.
-- Safe to repeat: yes.
update bksb.invitation
set
    state = 'refused',
    reason = %(reason)s,
    address_digest = %(address_digest)s
where person_id = %(person_id)s and intent_at = %(intent_at)s;
