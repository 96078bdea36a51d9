-- Purpose: list the finished V5 sessions with a report that need not be fetched again. An empty report is fetched again
--     for two days after it was first seen. So is the report of a session that went missing and is listed again.
-- Parameters: bksb_user_ids.
-- Result: bksb_user_id, session_id.
-- Safe to repeat: yes; it only reads.
select distinct
    bksb_user_id,
    session_id
from bksb.assessment_result
where
    bksb_user_id = any(%(bksb_user_ids)s::bigint[])
    and source = 'v5'
    and missing_since is null
    and (component <> '' or result_raw <> '' or first_seen_at < now() - interval '2 days');
