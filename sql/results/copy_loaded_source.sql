-- Purpose: load which user and source was read.
-- Safe to repeat: no, a second time breaks the primary key.
copy loaded_source (bksb_user_id, source, synced_at, complete) from stdin;
