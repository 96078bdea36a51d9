-- Purpose: count the invitations and reminders that were sent.
-- Parameters: since (timestamptz): the start of the runs that the report covers.
-- Result: one row: invited (including resends), reminded.
-- Safe to repeat: yes; it only reads.
select
    count(*) filter (where kind <> 'reminder') as invited,
    count(*) filter (where kind = 'reminder') as reminded
from bksb.invitation
where state = 'sent' and sent_at >= %(since)s;
