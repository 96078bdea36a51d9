-- Purpose: a bksb user never was this person's: the links end, stay in the history, and give the person no results.
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
update bksb.account_link
set
    to_at = coalesce(to_at, now()),
    withdrawn_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and withdrawn_at is null;
