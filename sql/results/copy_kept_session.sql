-- Purpose: load which sessions bksb still lists without having been asked for their report again.
-- Safe to repeat: no, rows would stand twice.
copy kept_session (bksb_user_id, source, session_id) from stdin;
