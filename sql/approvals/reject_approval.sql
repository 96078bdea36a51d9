-- Purpose: a run that ends while its question is open, or failed at first, was rejected, or nobody answered in time.
-- Parameters: dag_id, run_id.
-- Result: a row if it was so.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = 'rejected',
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome in ('waiting', 'failed')
returning run_id;
