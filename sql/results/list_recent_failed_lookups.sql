-- Purpose: list the people that could not be linked during the last day: bksb did not know their MIS username, or
--     another person has it.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select person_id
from bksb.account
where state = 'blocked' and checked_at >= now() - interval '1 day';
