-- Purpose: record the plan of a run. With reasons the run waits for an answer; without reasons it may go ahead.
-- Parameters: dag_id, run_id; people: how many the MIS listed; creations: how many accounts it would create; reasons;
--     about_everybody: false for a run for named people.
-- Safe to repeat: yes; a run that plans again asks again. about_everybody stays as it was.
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
