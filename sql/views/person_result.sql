-- Purpose: the results that bksb still shows, by person. The results of a bksb user belong to the person who was linked
--     to it last. After a merge in bksb, one session can stand under two users of one person: it counts once, and the
--     user linked last decides whether bksb still shows it, because the other user is never read again.
--     If that last link was withdrawn as wrong, the results count for nobody: an earlier link may be wrong as well.
-- Safe to repeat: yes.
create or replace view bksb.person_result as
with holder as (
    select distinct on (bksb_user_id)
        bksb_user_id,
        person_id,
        from_at,
        to_at,
        withdrawn_at
    from bksb.account_link
    order by bksb_user_id asc, (to_at is null) desc, from_at desc, person_id desc
),

shown_last as (
    select distinct on (holder.person_id, result.source, result.session_id, result.component)
        holder.person_id,
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
    from holder
    inner join bksb.assessment_result as result on holder.bksb_user_id = result.bksb_user_id
    where holder.withdrawn_at is null
    order by
        holder.person_id asc, result.source asc, result.session_id asc, result.component asc,
        (holder.to_at is null) desc, holder.from_at desc, result.bksb_user_id desc
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
from shown_last
where missing_since is null;
