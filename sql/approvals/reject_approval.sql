-- Purpose: record that a run which did not go ahead was rejected: someone said no, or no one answered in time.
-- Parameters: dag_id, run_id.
-- Result: run_id; no row if the run was neither waiting nor failed.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = 'rejected',
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome in ('waiting', 'failed')
returning run_id;
