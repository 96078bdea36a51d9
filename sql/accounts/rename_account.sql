-- Purpose: store the current username of a person's bksb user.
-- Parameters: person_id, bksb_user_id, username.
-- Safe to repeat: yes.
update bksb.account
set
    username = %(username)s,
    state = 'active',
    checked_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and state in ('active', 'stale');
