-- Purpose: check before a load that every level is PRE, E1, E2, E3, L1, L2 or L3, and that level_order is its place, 0
--     to 6.
-- Result: id: the bksb user and session; no rows if the check passes.
-- Safe to repeat: yes; it only reads.
select distinct bksb_user_id || '/' || session_id as id
from loaded_result
where
    -- array_position is 1-based, and null for unknown or missing codes
    level_order is distinct from array_position(array['PRE', 'E1', 'E2', 'E3', 'L1', 'L2', 'L3'], level_code) - 1
    or level_code is not null and level_order is null
order by id
limit 20;
