-- Purpose: empty bksb's raw answers of results that last changed more than raw_days ago. The text columns stay.
-- Parameters: raw_days.
-- Safe to repeat: yes.
update bksb.assessment_result
set raw = '{}'
where raw <> '{}' and changed_at < now() - make_interval(days => %(raw_days)s);
