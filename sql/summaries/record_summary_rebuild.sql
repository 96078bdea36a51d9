-- Purpose: record that a summary was just rebuilt from all results, and with which settings.
-- Parameters: table_name; zone; starting_point_days.
-- Safe to repeat: yes.
insert into bksb.summary_rebuild (table_name, counted_at, zone, starting_point_days)
values (%(table_name)s, now(), %(zone)s, %(starting_point_days)s)
on conflict (table_name) do update
set
    counted_at = excluded.counted_at,
    zone = excluded.zone,
    starting_point_days = excluded.starting_point_days;
