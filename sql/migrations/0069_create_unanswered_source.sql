-- Purpose: when a source of a bksb user was last asked for in vain, so that the next days of a backfill leave it alone
--     for a while.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.unanswered_source (
    bksb_user_id bigint not null,
    source text not null check (source in ('initial', 'diagnostic', 'v5')),
    asked_at timestamptz not null,
    primary key (bksb_user_id, source)
);
