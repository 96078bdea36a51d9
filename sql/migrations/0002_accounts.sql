-- Purpose: create the tables of bksb accounts: their state, their links to people, plans and approvals.
-- Safe to repeat: no; `migrate` applies it once.
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

-- bksb ignores case when it compares usernames
create unique index account_username_key on bksb.account (lower(username));

create index account_checked_at_idx on bksb.account (checked_at) where bksb_user_id is not null;

create table bksb.account_link (
    person_id text not null,
    bksb_user_id bigint not null,
    from_at timestamptz not null,
    to_at timestamptz,
    withdrawn_at timestamptz,
    primary key (person_id, bksb_user_id, from_at),
    check (to_at is null or to_at >= from_at),
    constraint account_link_withdrawn_has_ended check (withdrawn_at is null or to_at is not null)
);

-- at any time, a bksb user has at most one person, and a person at most one bksb user
create unique index account_link_user_key on bksb.account_link (bksb_user_id) where to_at is null;

create unique index account_link_person_key on bksb.account_link (person_id) where to_at is null;

create table bksb.initial_password (
    person_id text primary key references bksb.account (person_id) on update cascade on delete cascade,
    setting_digest text
);

create table bksb.planned_action (
    dag_id text not null,
    run_id text not null,
    person_id text not null,
    action text not null,
    reason text not null,
    username text,
    planned_at timestamptz not null default now(),
    primary key (dag_id, run_id, person_id)
);

create table bksb.approval (
    dag_id text not null,
    run_id text not null,
    planned_at timestamptz not null default now(),
    people integer not null,
    creations integer not null,
    reasons text[] not null,
    outcome text not null constraint approval_outcome_is_known check (
        outcome in ('waiting', 'approved', 'rejected', 'not_asked', 'failed')
    ),
    decided_at timestamptz,
    about_everybody boolean not null default true,
    primary key (dag_id, run_id)
);
