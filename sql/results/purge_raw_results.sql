-- Purpose: bksb's raw answers are kept for so long after a result last changed; its texts in columns stay.
-- Parameters: raw_days.
-- Safe to repeat: yes.
update bksb.assessment_result
set raw = '{}'
where raw <> '{}' and changed_at < now() - make_interval(days => %(raw_days)s);
