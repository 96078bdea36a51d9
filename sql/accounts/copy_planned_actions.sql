-- Purpose: load what a run plans for each person, or why it can do nothing.
-- Safe to repeat: only after delete_planned_actions.
copy bksb.planned_action (dag_id, run_id, person_id, action, reason, username) from stdin;
