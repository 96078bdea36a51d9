-- Purpose: a place for which user and source was read, and from which moment; gone with the transaction.
-- Safe to repeat: once a transaction.
create temporary table loaded_source (
    bksb_user_id bigint,
    source text,
    synced_at timestamptz,
    complete boolean,
    primary key (bksb_user_id, source)
) on commit drop;
