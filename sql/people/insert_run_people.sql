-- Purpose: record the people of a results run. bksb.learner stays as it is, because the run may be about a past day.
-- Parameters: dag_id, run_id.
-- Safe to repeat: only after delete_run_people.
insert into bksb.run_person (dag_id, run_id, person_id, bucket, person_kind, programme, start_on, ended_on)
select
    %(dag_id)s as dag_id,
    %(run_id)s as run_id,
    person_id,
    bucket,
    person_kind,
    programme,
    start_on,
    ended_on
from extracted_person;
