-- Purpose: record that a run failed before it went ahead, so that it no longer waits for an answer.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = 'failed',
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome = 'waiting';
