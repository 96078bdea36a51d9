-- Purpose: take a wrong account away from a person; what becomes of the person is for the next plan to decide.
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
