-- Purpose: a missing answer for somebody who is not eligible any more, and whom this run was not about, is nobody's
--     business now.
-- Parameters: codes; dag_id, run_id.
-- Locked in one order wherever issues are resolved or opened, so that two writers never wait for each other.
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
    order by issue.code, issue.subject_key
    for update of issue
)

update bksb.issue
set resolved_at = now()
from locked
where issue.id = locked.id;
