-- Purpose: find another person who has this bksb user or this username.
-- Parameters: person_id, bksb_user_id, username.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select person_id
from bksb.account
where
    person_id <> %(person_id)s
    and (bksb_user_id = %(bksb_user_id)s or lower(username) = lower(%(username)s));
