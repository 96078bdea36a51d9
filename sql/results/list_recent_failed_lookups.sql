-- Purpose: people whose username in the MIS bksb did not know, or gave to somebody else, in the last day.
-- Result: person_id.
-- Safe to repeat: yes, it only reads.
select person_id
from bksb.account
where state = 'blocked' and checked_at >= now() - interval '1 day';
