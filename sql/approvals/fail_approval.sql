-- Purpose: a run that failed before it went ahead waits for nobody any more. Cleared and gone ahead, or rejected after
-- all, it says that instead.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = 'failed',
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome = 'waiting';
