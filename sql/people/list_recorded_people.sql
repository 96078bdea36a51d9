-- Purpose: list every person that bksb_accounts ever recorded, eligible or not.
-- Result: person_id.
-- Safe to repeat: yes; it only reads.
select person_id
from bksb.learner;
