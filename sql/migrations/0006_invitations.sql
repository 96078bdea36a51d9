-- Purpose: create the table of messages to people. It never holds an address, a name or the text of a message.
-- Safe to repeat: no; `migrate` applies it once.
create table bksb.invitation (
    person_id text not null,
    intent_at timestamptz not null,
    sent_at timestamptz,
    message_id text unique,
    state text not null constraint invitation_state_is_known check (
        state in ('sending', 'waiting', 'sent', 'refused', 'unknown', 'withheld', 'superseded')
    ),
    kind text not null constraint invitation_kind_is_known check (kind in ('invitation', 'resend', 'reminder')),
    run_id text,
    last_run_id text,
    repeated boolean not null default false,
    reason text,
    address_digest text,
    primary key (person_id, intent_at),
    constraint invitation_sent_has_time check (state <> 'sent' or sent_at is not null),
    constraint invitation_has_message_id check (state = 'withheld' or message_id is not null)
);
