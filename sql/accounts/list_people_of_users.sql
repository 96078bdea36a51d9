-- Purpose: list everyone who is or was linked to one of these bksb users.
-- Parameters: bksb_user_ids.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select distinct person_id
from bksb.account_link
where bksb_user_id = any(%(bksb_user_ids)s::bigint[]);
