-- Purpose: what was planned, and approved, is done under the very username that was planned.
-- Safe to repeat: no; applied once by `migrate`.
alter table bksb.planned_action add column username text;
