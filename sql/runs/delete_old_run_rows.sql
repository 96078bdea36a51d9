-- Purpose: delete the plans and the people of runs that began over 60 days ago.
-- Safe to repeat: yes.
with old_run as (
    select
        dag_id,
        run_id
    from bksb.sync_run
    group by dag_id, run_id
    having max(started_at) < now() - interval '60 days'
),

old_action as (
    delete from bksb.planned_action
    using old_run
    where planned_action.dag_id = old_run.dag_id and planned_action.run_id = old_run.run_id
)

delete from bksb.run_person
using old_run
where run_person.dag_id = old_run.dag_id and run_person.run_id = old_run.run_id;
