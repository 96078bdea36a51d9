-- Purpose: every level about to be loaded is on the scale, PRE, E1, E2, E3, L1, L2, L3, and has its place there (0 to
--     6).
-- Result: id, the bksb user and session; no row when the promise is kept.
-- Safe to repeat: yes, it only reads.
select distinct bksb_user_id || '/' || session_id as id
from loaded_result
where
    (level_code is null) <> (level_order is null)
    or not (level_code, level_order) in (
        ('PRE', 0), ('E1', 1), ('E2', 2), ('E3', 3), ('L1', 4), ('L2', 5), ('L3', 6)
    )
order by id
limit 20;
