-- Purpose: the run goes ahead, approved by a person or without having to ask; also one that was rejected or failed at
-- first and whose task was then cleared.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = case when reasons = '{}' then 'not_asked' else 'approved' end,
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome in ('waiting', 'rejected', 'failed');
