-- Purpose: count the people at each level in each subject, by their latest initial assessment.
-- Result: subject, level_code (null: no level was read), level_order, people.
-- Safe to repeat: yes; it only reads.
select
    subject,
    latest_level_code as level_code,
    latest_level_order as level_order,
    count(*) as people
from bksb.skill_summary
where latest_at is not null
group by subject, latest_level_code, latest_level_order
order by subject asc, level_order asc nulls last;
