-- Purpose: let one writer of a kind work at a time, until the transaction ends.
-- Parameters: lock_class, writer.
-- Safe to repeat: yes.
select pg_advisory_xact_lock(%(lock_class)s, %(writer)s);
