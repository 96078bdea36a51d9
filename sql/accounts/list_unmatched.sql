-- Purpose: who has no counterpart, both sides, in a fixed order: the export of bksb.unmatched.
-- Result: side, person_id, person_kind, account_state, username, issues.
-- Safe to repeat: yes, it only reads.
select
    side,
    person_id,
    person_kind,
    account_state,
    username,
    issues
from bksb.unmatched
order by side desc, person_id;
