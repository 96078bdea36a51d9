-- Purpose: let one task at a time send mail, until its connection closes.
-- Parameters: lock_class.
-- Safe to repeat: yes; the same connection may take the lock twice.
select pg_advisory_lock(%(lock_class)s, 0);
