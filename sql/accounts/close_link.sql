-- Purpose: end the current link of a person who gets another bksb user. It stays as history.
-- Parameters: person_id; bksb_user_id of the new user.
-- Safe to repeat: yes.
update bksb.account_link
set to_at = now()
where person_id = %(person_id)s and bksb_user_id <> %(bksb_user_id)s and to_at is null;
