-- Purpose: one task at a time sends mail, until its connection closes.
-- Parameters: lock_class.
-- Safe to repeat: yes, a lock held already is counted twice.
select pg_advisory_lock(%(lock_class)s, 0);
