-- Purpose: every level about to be loaded is on the scale, PRE, E1, E2, E3, L1, L2, L3, and has its place there (0 to
--     6).
-- Result: id, the bksb user and session; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
select distinct bksb_user_id || '/' || session_id as id
from loaded_result
where
    -- the first place is 1; a code that stands nowhere has none, and so has a missing one
    level_order is distinct from array_position(array['PRE', 'E1', 'E2', 'E3', 'L1', 'L2', 'L3'], level_code) - 1
    or level_code is not null and level_order is null
order by id
limit 20;
