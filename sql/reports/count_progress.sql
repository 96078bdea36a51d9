-- Purpose: count in each subject how far people moved from their starting point to their latest initial assessment.
-- Result: subject; and numbers of people: not_again (starting point only), lower, unchanged, one_higher, more_higher
--     (by levels moved).
-- Safe to repeat: yes; it only reads.
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
