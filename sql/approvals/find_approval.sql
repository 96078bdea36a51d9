-- Purpose: the extract that a plan was made, and perhaps approved, from.
-- Parameters: dag_id, run_id.
-- Result: people, listed by the MIS when the run was planned; no row for a run that never planned.
-- Safe to repeat: yes, it only reads.
select people
from bksb.approval
where dag_id = %(dag_id)s and run_id = %(run_id)s;
