-- Purpose: list the accounts that earlier runs tried to create, so far without success.
-- Parameters: dag_id; run_id of the run that asks, which is left out.
-- Result: person_id, username.
-- Safe to repeat: yes; it only reads.
select distinct
    planned_action.person_id,
    planned_action.username
from bksb.planned_action
inner join bksb.approval
    on planned_action.dag_id = approval.dag_id and planned_action.run_id = approval.run_id
where
    approval.dag_id = %(dag_id)s
    and approval.run_id <> %(run_id)s
    and approval.outcome in ('approved', 'not_asked')
    and planned_action.action = 'create'
    and exists (
        select 1
        from bksb.issue
        where
            issue.person_id = planned_action.person_id
            and issue.resolved_at is null
            and issue.code in ('username_taken', 'create_rejected', 'create_in_doubt', 'bksb_no_answer')
    );
