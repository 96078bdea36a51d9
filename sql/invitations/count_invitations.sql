-- Purpose: count the mail of a run, for its log line and bksb.sync_run.
-- Parameters: run_id.
-- Result: one row: invited, invited_again (resends), reminded, mail_refused, mail_waiting, withheld (only for accounts
--     that were created).
-- Safe to repeat: yes; it only reads.
select
    count(*) filter (where state = 'sent' and kind = 'invitation') as invited,
    count(*) filter (where state = 'sent' and kind = 'resend') as invited_again,
    count(*) filter (where state = 'sent' and kind = 'reminder') as reminded,
    count(*) filter (where state = 'refused') as mail_refused,
    count(*) filter (where state in ('sending', 'waiting')) as mail_waiting,
    count(*) filter (
        where state = 'withheld'
        and person_id in (select account.person_id from bksb.account where account.bksb_user_id is not null)
    ) as withheld
from bksb.invitation
where last_run_id = %(run_id)s;
