-- Purpose: list the people with an open issue of this code, those asked longest ago first.
-- Parameters: code.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select person_id
from bksb.issue
where resolved_at is null and code = %(code)s and person_id is not null
order by last_seen_at, person_id;
