-- Purpose: tell whether a summary has to be rebuilt from all results, because its sources or settings changed, and
--     delete the request. The request returns if the transaction is rolled back.
-- Parameters: table_name; zone; starting_point_days.
-- Result: one row: due.
-- Safe to repeat: no; rebuild the summary in the same transaction.
with request as (
    delete from bksb.summary_rebuild_due
    where table_name = %(table_name)s
    returning table_name
)

select
    exists (select 1 from request)
    or not exists (
        select 1 from bksb.summary_rebuild
        where
            table_name = %(table_name)s
            and zone = %(zone)s
            and starting_point_days = %(starting_point_days)s
    ) as due;
