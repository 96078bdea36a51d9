-- Purpose: tell whether this connection has its temporary tables for loading.
-- Result: one row: found.
-- Safe to repeat: yes; it only reads.
select to_regclass('pg_temp.kept_session') is not null as found;
