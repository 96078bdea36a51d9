-- Purpose: load the sessions that bksb still lists, without a new report.
-- Safe to repeat: no; rows would be loaded twice.
copy kept_session (bksb_user_id, source, session_id) from stdin;
