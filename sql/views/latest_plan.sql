-- Purpose: show the plan of the run of bksb_accounts that planned last, dry run or not. A run that plans nothing writes
--     no rows, so the view then still shows the plan before it.
-- Safe to repeat: yes.
create or replace view bksb.latest_plan as
select
    run_id,
    planned_at,
    person_id,
    action,
    reason,
    username
from bksb.planned_action
where
    dag_id = 'bksb_accounts'
    and run_id = (
        select newest.run_id
        from bksb.planned_action as newest
        where newest.dag_id = 'bksb_accounts'
        order by newest.planned_at desc, newest.run_id desc
        limit 1
    );
