-- Purpose: load readings that differ.
-- Safe to repeat: no, a second time breaks the primary key.
copy new_reading (
    bksb_user_id, source, session_id, component, subject, level_code, level_order, percent, completed_at
) from stdin;
