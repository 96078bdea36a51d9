-- Purpose: limit the wait for another task's lock. A task that waits longer fails and is retried.
-- Safe to repeat: yes.
set lock_timeout = '30min';
