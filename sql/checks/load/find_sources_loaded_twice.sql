-- Purpose: no source of an account is about to be loaded twice in one go: which of the two is right nobody could tell.
-- Result: id, the bksb user and source; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
select bksb_user_id || '/' || source as id
from loaded_source
group by bksb_user_id, source
having count(*) > 1
order by id
limit 20;
