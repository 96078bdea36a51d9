-- Purpose: find how many people the MIS listed when a run was planned.
-- Parameters: dag_id, run_id.
-- Result: people; no row if the run never planned.
-- Safe to repeat: yes; it only reads.
select people
from bksb.approval
where dag_id = %(dag_id)s and run_id = %(run_id)s;
