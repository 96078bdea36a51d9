-- Purpose: note what a run sets out to do for each person, or why it can do nothing.
-- Safe to repeat: yes, if delete_planned_actions goes before.
copy bksb.planned_action (dag_id, run_id, person_id, action, reason, username) from stdin;
