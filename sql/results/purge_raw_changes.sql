-- Purpose: empty bksb's raw answers of results that were replaced more than raw_days ago.
-- Parameters: raw_days.
-- Safe to repeat: yes.
update bksb.result_change
set raw = '{}'
where raw <> '{}' and replaced_at < now() - make_interval(days => %(raw_days)s);
