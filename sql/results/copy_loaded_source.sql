-- Purpose: load which source of which user was read.
-- Safe to repeat: no; rows would be loaded twice.
copy loaded_source (bksb_user_id, source, synced_at, complete) from stdin;
