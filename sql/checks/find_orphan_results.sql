-- Purpose: check that every result belongs to a bksb user that is or was linked to a person.
-- Result: id: the bksb user; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select distinct assessment_result.bksb_user_id as id
from bksb.assessment_result
left join bksb.account_link on assessment_result.bksb_user_id = account_link.bksb_user_id
where account_link.bksb_user_id is null
order by id
limit 20;
