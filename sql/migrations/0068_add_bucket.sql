-- Purpose: a task of a results run looks its own people up by their bucket, not everybody of the run.
-- Safe to repeat: yes.
alter table bksb.run_person add column if not exists bucket smallint;
