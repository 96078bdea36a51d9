-- Purpose: up to which moment every result of a user in one source is known to be loaded.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.account_source (
    bksb_user_id bigint not null,
    source text not null check (source in ('initial', 'diagnostic', 'v5')),
    synced_at timestamptz not null,
    primary key (bksb_user_id, source)
);
