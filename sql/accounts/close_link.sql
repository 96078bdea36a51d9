-- Purpose: a person has another bksb user from now on; the link that held until now stays in the history.
-- Parameters: person_id, bksb_user_id, the new one.
-- Safe to repeat: yes.
update bksb.account_link
set to_at = now()
where person_id = %(person_id)s and bksb_user_id <> %(bksb_user_id)s and to_at is null;
