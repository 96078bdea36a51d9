-- Purpose: how many people were invited, and reminded, by e-mail.
-- Parameters: since (timestamptz), the start of the runs that the report is about.
-- Result: one row: invited (once more, too), reminded.
-- Safe to repeat: yes; reads only.
select
    count(*) filter (where kind <> 'reminder') as invited,
    count(*) filter (where kind = 'reminder') as reminded
from bksb.invitation
where state = 'sent' and sent_at >= %(since)s;
