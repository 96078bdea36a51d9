-- Purpose: delete the people of a run that is planned again.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
delete from bksb.run_person where dag_id = %(dag_id)s and run_id = %(run_id)s;
