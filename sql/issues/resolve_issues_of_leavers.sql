-- Purpose: resolve issues about people who are no longer eligible and not in this run.
-- Parameters: codes; dag_id, run_id.
-- Safe to repeat: yes.
with locked as (
    select issue.id
    from bksb.issue
    where
        issue.resolved_at is null
        and issue.code = any(%(codes)s)
        and not exists (
            select 1 from bksb.learner
            where learner.person_id = issue.person_id and learner.eligible
        )
        and not exists (
            select 1 from bksb.run_person
            where
                run_person.dag_id = %(dag_id)s
                and run_person.run_id = %(run_id)s
                and run_person.person_id = issue.person_id
        )
    -- the order in which issues are opened, so that two writers never deadlock
    order by issue.code, issue.subject_key
    for update of issue
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
