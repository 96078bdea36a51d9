-- Purpose: list the figures of one day, for docs/examples/daily_figures.py.
-- Parameters: day.
-- Result: day, subject, assessment_kind, level_code ('': none read), results, learners.
-- Safe to repeat: yes; it only reads.
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
