-- Purpose: one task at a time works on a bucket of people, until its connection closes.
-- Parameters: lock_class, bucket.
-- Safe to repeat: yes, a lock held already is counted twice.
select pg_advisory_lock(%(lock_class)s, %(bucket)s);
