-- Purpose: the people about whom an issue is open.
-- Result: person_id.
-- Safe to repeat: yes, it only reads.
select distinct person_id
from bksb.issue
where resolved_at is null and person_id is not null;
