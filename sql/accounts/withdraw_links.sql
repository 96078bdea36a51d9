-- Purpose: mark the links of a person to a bksb user as wrong. They end and stay as history, and their results no
--     longer count for the person.
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
update bksb.account_link
set
    to_at = coalesce(to_at, now()),
    withdrawn_at = now()
where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and withdrawn_at is null;
