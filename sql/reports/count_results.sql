-- Purpose: how many assessment results are held, and how many of them are new.
-- Parameters: since (timestamptz), the start of the runs that the report is about.
-- Result: one row: results, new_results, people (bksb accounts with at least one result).
-- Safe to repeat: yes; reads only.
select
    count(*) as results,
    count(*) filter (where first_seen_at >= %(since)s) as new_results,
    count(distinct bksb_user_id) as people
from bksb.assessment_result;
