-- Purpose: a place for finished V5 sessions that bksb still lists and whose report is loaded.
-- Safe to repeat: yes; the table stays with the connection and is empty again after each transaction.
create temporary table if not exists kept_session (
    bksb_user_id bigint,
    source text,
    session_id text
) on commit delete rows;
