-- Purpose: create the temporary table of finished V5 sessions that bksb still lists and whose report is already
--     loaded.
-- Safe to repeat: yes; the table lives as long as the connection, and each transaction empties it.
create temporary table if not exists kept_session (
    bksb_user_id bigint,
    source text,
    session_id text
) on commit delete rows;
