-- Purpose: describe the tables of messages in the database.
-- Safe to repeat: yes.
comment on table bksb.invitation is
'A message to a person. Holds no address, no name and no text. docs/invitations.md explains it. Not for readers.';
comment on column bksb.invitation.person_id is 'The person.';
comment on column bksb.invitation.intent_at is 'When a run began to send it, or staff asked for it.';
comment on column bksb.invitation.sent_at is 'When the mail server accepted it.';
comment on column bksb.invitation.message_id is 'Message-ID of the mail. Null if it was withheld.';
comment on column bksb.invitation.state is
'sending: about to be sent, or a crash hid whether it was sent. waiting: for the next run. sent: accepted. '
'refused: for good, at this address. unknown: after two tries we could not tell; it is not sent again. '
'withheld: the run was told not to invite. '
'superseded: a resend replaced it, or relink took the account away from the person.';
comment on column bksb.invitation.kind is 'invitation, resend or reminder.';
comment on column bksb.invitation.run_id is 'The run that began it, or in which staff asked for it.';
comment on column bksb.invitation.last_run_id is 'The run that tried last.';
comment on column bksb.invitation.repeated is 'True if it was sent again because we did not know whether it arrived.';
comment on column bksb.invitation.reason is
'Why it was refused: the reply code of the mail server, or that no message can have this address.';
comment on column bksb.invitation.address_digest is
'Keyed digest of a refused address, to notice when the MIS has a new one. The address itself is not kept.';
