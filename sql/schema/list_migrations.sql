-- Purpose: list the applied migrations.
-- Result: name.
-- Safe to repeat: yes; it only reads.
select name from bksb.schema_migration;
