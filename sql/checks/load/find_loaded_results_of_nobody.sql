-- Purpose: every bksb user whose answers are about to be loaded is or was linked to a person.
-- Result: id, the bksb user; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
select distinct loaded_source.bksb_user_id as id
from loaded_source
left join bksb.account_link on loaded_source.bksb_user_id = account_link.bksb_user_id
where account_link.bksb_user_id is null
order by id
limit 20;
