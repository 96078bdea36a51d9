-- Purpose: count the actions that a run planned.
-- Parameters: dag_id, run_id.
-- Result: action, people.
-- Safe to repeat: yes; it only reads.
select
    action,
    count(*) as people
from bksb.planned_action
where dag_id = %(dag_id)s and run_id = %(run_id)s
group by action
order by action;
