-- Purpose: tell whether this database has been migrated before.
-- Result: one row: found.
-- Safe to repeat: yes; it only reads.
select to_regclass('bksb.schema_migration') is not null as found;
