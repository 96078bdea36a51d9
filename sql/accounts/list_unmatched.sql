-- Purpose: list bksb.unmatched in a fixed order, for the export.
-- Result: side, person_id, person_kind, account_state, username, issues.
-- Safe to repeat: yes; it only reads.
select
    side,
    person_id,
    person_kind,
    account_state,
    username,
    issues
from bksb.unmatched
order by side desc, person_id;
