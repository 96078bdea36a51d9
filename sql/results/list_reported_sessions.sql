-- Purpose: finished V5 sessions whose report is loaded. One whose report was empty, or that bksb stopped listing, is
--     asked for again; an empty one only for two days after it was first seen.
-- Parameters: bksb_user_ids.
-- Result: bksb_user_id, session_id.
-- Safe to repeat: yes, it only reads.
select distinct
    bksb_user_id,
    session_id
from bksb.assessment_result
where
    bksb_user_id = any(%(bksb_user_ids)s::bigint[])
    and source = 'v5'
    and missing_since is null
    and (component <> '' or result_raw <> '' or first_seen_at < now() - interval '2 days');
