-- Purpose: a place for which user and source was read, and from which moment.
-- Safe to repeat: yes; the table stays with the connection and is empty again after each transaction.
create temporary table if not exists loaded_source (
    bksb_user_id bigint,
    source text,
    synced_at timestamptz,
    complete boolean
) on commit delete rows;
