-- Purpose: the usernames that the MIS may learn, in a fixed order: the export of bksb.account_for_mis.
-- Result: person_id, username.
-- Safe to repeat: yes, it only reads.
select
    person_id,
    username
from bksb.account_for_mis
order by person_id;
