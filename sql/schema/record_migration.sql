-- Purpose: record an applied migration.
-- Parameters: name.
-- Safe to repeat: no; a second time breaks the primary key.
insert into bksb.schema_migration (name) values (%(name)s);
