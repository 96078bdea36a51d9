-- Purpose: the mail server has refused the message for good.
-- Parameters: person_id, intent_at; reason, without personal data; address_digest, of the address it was meant for.
-- Safe to repeat: yes.
update bksb.invitation
set
    state = 'refused',
    reason = %(reason)s,
    address_digest = %(address_digest)s
where person_id = %(person_id)s and intent_at = %(intent_at)s;
