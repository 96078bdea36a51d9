-- Purpose: the people whom an earlier run that went ahead tried to give an account, so far without success.
-- Result: person_id.
-- Safe to repeat: yes, it only reads.
select distinct person_id
from bksb.issue
where
    resolved_at is null
    and person_id is not null
    and code in ('username_taken', 'create_rejected', 'create_in_doubt', 'bksb_no_answer');
