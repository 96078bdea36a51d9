-- Purpose: how far people have come in each subject, from their starting point to their latest initial assessment.
-- Parameters: none.
-- Result: subject, not_again (only the starting point so far), lower, unchanged, one_higher, more_higher: people with a
-- starting point, by the levels between it and their latest.
-- Safe to repeat: yes; reads only.
select
    subject,
    count(*) filter (where latest_at = starting_at) as not_again,
    count(*) filter (where latest_at > starting_at and latest_level_order < starting_level_order) as lower,
    count(*) filter (where latest_at > starting_at and latest_level_order = starting_level_order) as unchanged,
    count(*) filter (where latest_at > starting_at and latest_level_order = starting_level_order + 1) as one_higher,
    count(*) filter (where latest_at > starting_at and latest_level_order > starting_level_order + 1) as more_higher
from bksb.skill_summary
where starting_at is not null
group by subject
order by subject;
