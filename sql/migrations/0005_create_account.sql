-- Purpose: what is known of each person's bksb account, and how far making it has got.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.account (
    person_id text primary key,
    username text,
    bksb_user_id bigint,
    state text not null check (state in ('pending', 'creating', 'active', 'stale', 'blocked')),
    origin text check (origin in ('created', 'linked', 'imported')),
    created_at timestamptz,
    linked_at timestamptz,
    invited_at timestamptz,
    checked_at timestamptz,
    constraint account_bksb_user_id_key unique (bksb_user_id),
    constraint account_active_is_complete check (
        state not in ('active', 'stale')
        or (username is not null and bksb_user_id is not null and origin is not null)
    ),
    constraint account_creating_has_username check (state <> 'creating' or username is not null)
);
