-- Purpose: a plan is made; with reasons it waits for a person, without any it may go ahead.
-- Parameters: dag_id, run_id, people (listed by the MIS), creations, reasons; about_everybody, false for a run about
--     people who are named.
-- Safe to repeat: yes; a run that plans again asks again, and is about whom it was about.
insert into bksb.approval (dag_id, run_id, people, creations, reasons, about_everybody, outcome)
values (
    %(dag_id)s, %(run_id)s, %(people)s, %(creations)s, %(reasons)s, %(about_everybody)s, 'waiting'
)
on conflict (dag_id, run_id) do update
set
    planned_at = now(),
    people = excluded.people,
    creations = excluded.creations,
    reasons = excluded.reasons,
    outcome = excluded.outcome,
    decided_at = null;
