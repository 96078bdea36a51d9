-- Purpose: the bksb user of a person has another username now, or is confirmed under the one we know.
-- Parameters: person_id, bksb_user_id, username.
-- Safe to repeat: yes.
update bksb.account
set
    username = %(username)s,
    state = 'active',
    checked_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and state in ('active', 'stale');
