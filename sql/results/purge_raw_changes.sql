-- Purpose: the raw answers of results that were replaced are kept for so long after that.
-- Parameters: raw_days.
-- Safe to repeat: yes.
update bksb.result_change
set raw = '{}'
where raw <> '{}' and replaced_at < now() - make_interval(days => %(raw_days)s);
