-- Purpose: show the latest result of each person, subject and kind of assessment. A V5 session has a result for each
--     strand; the weakest counts: lowest level, then lowest percentage, then first component by name.
-- Safe to repeat: yes.
create or replace view bksb.latest_result as
select distinct on (person_id, subject, assessment_kind)
    person_id,
    subject,
    assessment_kind,
    source,
    session_id,
    component,
    assessment_name,
    result_raw,
    level_code,
    level_order,
    percent,
    completed_at
from bksb.person_result
where completed_at is not null
order by
    person_id asc, subject asc, assessment_kind asc, completed_at desc, source desc, session_id desc,
    level_order asc nulls last, percent asc nulls last, component asc;
