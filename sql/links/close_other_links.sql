-- Purpose: a person who has this bksb user now has no other one any more; the history keeps the earlier ones.
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
update bksb.account_link
set to_at = now()
where person_id = %(person_id)s and bksb_user_id <> %(bksb_user_id)s and to_at is null;
