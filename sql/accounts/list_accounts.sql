-- Purpose: list all accounts.
-- Result: person_id, username, bksb_user_id, state, origin.
-- Safe to repeat: yes; it only reads.
select
    person_id,
    username,
    bksb_user_id,
    state,
    origin
from bksb.account;
