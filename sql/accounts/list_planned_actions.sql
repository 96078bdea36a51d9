-- Purpose: list the actions that a run planned.
-- Parameters: dag_id, run_id.
-- Result: person_id, action, username (null where none is needed).
-- Safe to repeat: yes; it only reads.
select
    person_id,
    action,
    username
from bksb.planned_action
where dag_id = %(dag_id)s and run_id = %(run_id)s;
