-- Purpose: how much of what a run set out to do.
-- Parameters: dag_id, run_id.
-- Result: action, people.
-- Safe to repeat: yes, it only reads.
select
    action,
    count(*) as people
from bksb.planned_action
where dag_id = %(dag_id)s and run_id = %(run_id)s
group by action
order by action;
