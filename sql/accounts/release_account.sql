-- Purpose: take a wrong account away from a person. The next plan decides what to do for them.
-- Parameters: person_id.
-- Safe to repeat: yes.
update bksb.account
set
    state = 'blocked',
    username = null,
    bksb_user_id = null,
    origin = null,
    created_at = null,
    linked_at = null,
    invited_at = null,
    checked_at = null
where person_id = %(person_id)s;
