-- Purpose: count the assessment results.
-- Parameters: since (timestamptz): the start of the runs that the report covers.
-- Result: one row: results, new_results, people (bksb users with at least one result).
-- Safe to repeat: yes; it only reads.
select
    count(*) as results,
    count(*) filter (where first_seen_at >= %(since)s) as new_results,
    count(distinct bksb_user_id) as people
from bksb.assessment_result;
