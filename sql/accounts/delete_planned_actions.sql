-- Purpose: a run that plans again begins with an empty plan.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
delete from bksb.planned_action where dag_id = %(dag_id)s and run_id = %(run_id)s;
