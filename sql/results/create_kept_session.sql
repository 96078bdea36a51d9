-- Purpose: a place for finished V5 sessions that bksb still lists and whose report is loaded; gone with its
--     transaction.
-- Safe to repeat: once a transaction.
create temporary table kept_session (
    bksb_user_id bigint,
    source text,
    session_id text,
    primary key (bksb_user_id, source, session_id)
) on commit drop;
