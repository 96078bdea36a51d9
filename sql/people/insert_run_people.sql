-- Purpose: the people a results run is about, apart from bksb.learner: a past day never changes what is so now.
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes, if delete_run_people goes before.
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
