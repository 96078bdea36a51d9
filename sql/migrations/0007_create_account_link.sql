-- Purpose: which person had which bksb user, from when to when (to_at null: still), so that the results of a
-- merged account stay with the person.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.account_link (
    person_id text not null,
    bksb_user_id bigint not null,
    from_at timestamptz not null,
    to_at timestamptz,
    primary key (person_id, bksb_user_id, from_at),
    check (to_at is null or to_at >= from_at)
);
