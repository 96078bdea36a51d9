-- Purpose: what a person should look at; detail holds nothing personal beyond ids.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.issue (
    id bigint generated always as identity primary key,
    code text not null,
    subject_key text not null,
    person_id text,
    detail text not null default '',
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    resolved_at timestamptz
);
