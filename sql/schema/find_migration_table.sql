-- Purpose: whether this database has ever been migrated.
-- Result: one row, found.
-- Safe to repeat: yes, it only reads.
select to_regclass('bksb.schema_migration') is not null as found;
