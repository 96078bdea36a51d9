-- Purpose: whether this connection has made its temporary tables for loading already.
-- Result: one row: found.
-- Safe to repeat: yes, it only reads.
select to_regclass('pg_temp.kept_session') is not null as found;
