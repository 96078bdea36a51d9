-- Purpose: nothing about to be loaded was completed later than a day from now (clocks and time zones differ by less).
-- Result: id, the bksb user and session; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
select distinct bksb_user_id || '/' || session_id as id
from loaded_result
where completed_at > now() + interval '1 day'
order by id
limit 20;
