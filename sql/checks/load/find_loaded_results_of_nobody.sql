-- Purpose: check before a load that every bksb user in it is or was linked to a person.
-- Result: id: the bksb user; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select distinct loaded_source.bksb_user_id as id
from loaded_source
left join bksb.account_link on loaded_source.bksb_user_id = account_link.bksb_user_id
where account_link.bksb_user_id is null
order by id
limit 20;
