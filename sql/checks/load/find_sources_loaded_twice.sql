-- Purpose: check before a load that it holds each source of an account once. Nothing says which of two is right.
-- Result: id: the bksb user and source; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select bksb_user_id || '/' || source as id
from loaded_source
group by bksb_user_id, source
having count(*) > 1
order by id
limit 20;
