-- Purpose: delete the plan of a run that plans again.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
delete from bksb.planned_action where dag_id = %(dag_id)s and run_id = %(run_id)s;
