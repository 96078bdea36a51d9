-- Purpose: record that a run goes ahead, approved or without a question. A rejected or failed run can go ahead after
--     its task was cleared.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes.
update bksb.approval
set
    outcome = case when reasons = '{}' then 'not_asked' else 'approved' end,
    decided_at = now()
where dag_id = %(dag_id)s and run_id = %(run_id)s and outcome in ('waiting', 'rejected', 'failed');
