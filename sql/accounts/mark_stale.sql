-- Purpose: record that bksb no longer knows this account under its username. The results stay with the person.
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
update bksb.account
set
    state = 'stale',
    checked_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and state in ('active', 'stale');
