-- Purpose: which invitation was meant for whom, and what became of it.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.invitation (
    person_id text not null,
    intent_at timestamptz not null,
    sent_at timestamptz,
    message_id text not null unique,
    state text not null,
    primary key (person_id, intent_at)
);
