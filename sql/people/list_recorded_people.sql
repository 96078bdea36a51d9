-- Purpose: everybody whom a run has ever recorded, eligible still or not.
-- Result: person_id.
-- Safe to repeat: yes, it only reads.
select person_id
from bksb.learner;
