-- Purpose: a row says that something which bksb.skill_summary or bksb.daily_activity is worked out from was written:
-- the next publication works that table out whole, and deletes the rows that it saw. Written by triggers, so that no
-- writer can forget to; a publication that fails deletes nothing.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.recount_due (
    table_name text not null check (table_name in ('skill_summary', 'daily_activity')),
    due_at timestamptz not null default now()
);
