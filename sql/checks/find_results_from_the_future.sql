-- Purpose: check that no result was completed more than a day from now. Differences between clocks and time zones are
--     smaller than that.
-- Result: id: the bksb user; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select distinct bksb_user_id as id
from bksb.assessment_result
where completed_at > now() + interval '1 day'
order by id
limit 20;
