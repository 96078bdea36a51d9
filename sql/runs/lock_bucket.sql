-- Purpose: let one task at a time work on a bucket of people, until its connection closes.
-- Parameters: lock_class, bucket.
-- Safe to repeat: yes; the same connection may take the lock twice.
select pg_advisory_lock(%(lock_class)s, %(bucket)s);
