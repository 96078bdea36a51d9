-- Purpose: record that bksb knows this account under its username (again, if it was stale).
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
update bksb.account
set
    state = 'active',
    checked_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and state in ('active', 'stale');
