-- Purpose: when a table was last worked out whole, and by which settings, as others make another table of the same
-- results.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.last_recount (
    table_name text primary key check (table_name in ('skill_summary', 'daily_activity')),
    counted_at timestamptz not null,
    zone text not null,
    starting_point_days integer not null
);
