-- Purpose: the figures of one day, as docs/examples/daily_figures.py writes them into a file.
-- Parameters: day.
-- Result: day, subject, assessment_kind, level_code ('': none read), results, learners; none for a day without results.
-- Safe to repeat: yes; reads only.
select
    day,
    subject,
    assessment_kind,
    level_code,
    results,
    learners
from bksb.daily_activity
where day = %(day)s
order by subject, assessment_kind, level_code;
