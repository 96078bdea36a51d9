-- Purpose: list bksb.account_for_mis in a fixed order, for the export.
-- Result: person_id, username.
-- Safe to repeat: yes; it only reads.
select
    person_id,
    username
from bksb.account_for_mis
order by person_id;
