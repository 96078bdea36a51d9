-- Purpose: what a run set out to do in bksb.
-- Parameters: dag_id, run_id.
-- Result: person_id, action.
-- Safe to repeat: yes, it only reads.
select
    person_id,
    action
from bksb.planned_action
where dag_id = %(dag_id)s and run_id = %(run_id)s and action in ('link', 'create');
