-- Purpose: what an invitation needs so that it is sent exactly once, whatever crashes. The address itself is never
-- kept: a refused one only as a digest keyed with the Message-ID, to notice when the MIS has another.
-- Safe to repeat: no; applied once by `migrate`.
alter table bksb.invitation
alter column message_id drop not null,
add column kind text not null constraint invitation_kind_is_known check (kind in ('invitation', 'resend', 'reminder')),
add column run_id text,
add column last_run_id text,
add column repeated boolean not null default false,
add column reason text,
add column address_digest text,
add constraint invitation_state_is_known check (
    state in ('sending', 'waiting', 'sent', 'refused', 'unknown', 'withheld', 'superseded')
),
add constraint invitation_sent_has_time check (state <> 'sent' or sent_at is not null),
add constraint invitation_has_message_id check (state = 'withheld' or message_id is not null);
