-- Purpose: list the people with an open issue.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select distinct person_id
from bksb.issue
where resolved_at is null and person_id is not null;
