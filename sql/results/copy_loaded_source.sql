-- Purpose: load which user and source was read.
-- Safe to repeat: no, rows would stand twice.
copy loaded_source (bksb_user_id, source, synced_at, complete) from stdin;
