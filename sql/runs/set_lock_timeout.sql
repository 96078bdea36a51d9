-- Purpose: no task waits for another one's lock for longer than this; it fails with a message and is tried again.
-- Safe to repeat: yes.
set lock_timeout = '30min';
