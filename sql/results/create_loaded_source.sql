-- Purpose: create the temporary table of sources just read, and when each reading began.
-- Safe to repeat: yes; the table lives as long as the connection, and each transaction empties it.
create temporary table if not exists loaded_source (
    bksb_user_id bigint,
    source text,
    synced_at timestamptz,
    complete boolean
) on commit delete rows;
