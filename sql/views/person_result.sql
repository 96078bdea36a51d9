-- Purpose: show the results that bksb still shows, by person. The results of a bksb user belong to the person linked to
--     it last. If that link was withdrawn as wrong, they belong to no one: an earlier link may be wrong as well.
-- Safe to repeat: yes.
create or replace view bksb.person_result as
with last_link as (
    select distinct on (bksb_user_id)
        bksb_user_id,
        person_id,
        from_at,
        to_at,
        withdrawn_at
    from bksb.account_link
    order by bksb_user_id asc, (to_at is null) desc, from_at desc, person_id desc
),

-- a merge in bksb can leave one session under two users of a person. The user linked last decides, because the other
-- is never read again
one_per_session as (
    select distinct on (last_link.person_id, result.source, result.session_id, result.component)
        last_link.person_id,
        result.bksb_user_id,
        result.source,
        result.session_id,
        result.component,
        result.assessment_kind,
        result.subject,
        result.course_subject_raw,
        result.course_name,
        result.assessment_id,
        result.assessment_name,
        result.result_raw,
        result.level_code,
        result.level_order,
        result.percent,
        result.completed_at,
        result.missing_since
    from last_link
    inner join bksb.assessment_result as result on last_link.bksb_user_id = result.bksb_user_id
    where last_link.withdrawn_at is null
    order by
        last_link.person_id asc, result.source asc, result.session_id asc, result.component asc,
        (last_link.to_at is null) desc, last_link.from_at desc, result.bksb_user_id desc
)

select
    person_id,
    bksb_user_id,
    source,
    session_id,
    component,
    assessment_kind,
    subject,
    course_subject_raw,
    course_name,
    assessment_id,
    assessment_name,
    result_raw,
    level_code,
    level_order,
    percent,
    completed_at,
    missing_since
from one_per_session
where missing_since is null;
