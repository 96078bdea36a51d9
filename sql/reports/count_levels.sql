-- Purpose: how many people are at which level in each subject, by their latest initial assessment.
-- Parameters: none.
-- Result: subject, level_code (null: bksb named no level of the scale), level_order, people.
-- Safe to repeat: yes; reads only.
select
    subject,
    latest_level_code as level_code,
    latest_level_order as level_order,
    count(*) as people
from bksb.skill_summary
where latest_at is not null
group by subject, latest_level_code, latest_level_order
order by subject asc, level_order asc nulls last;
