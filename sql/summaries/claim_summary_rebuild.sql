-- Purpose: whether a table has to be worked out whole, because what it is made from was written since that was last
-- done, or because the settings were others. What is deleted here comes back if the publication fails.
-- Parameters: table_name; zone; starting_point_days.
-- Result: one row: due.
-- Safe to repeat: no: whoever is told that a table is due has to work it out in the same transaction.
with taken as (
    delete from bksb.summary_rebuild_due
    where table_name = %(table_name)s
    returning table_name
)

select
    exists (select 1 from taken)
    or not exists (
        select 1 from bksb.summary_rebuild
        where
            table_name = %(table_name)s
            and zone = %(zone)s
            and starting_point_days = %(starting_point_days)s
    ) as due;
