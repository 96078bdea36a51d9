-- Purpose: the migrations that have been applied.
-- Result: name.
-- Safe to repeat: yes, it only reads.
select name from bksb.schema_migration;
