-- Purpose: results by person, those that bksb still shows. A bksb user's results belong to the person linked last, and
-- a session that a merge left under two users of one person counts once, as the user linked last has it (of users
-- linked in one moment, as the one with the higher id has it): not at all if bksb shows it under that user no more, as
-- nobody reads the user of before again.
-- Safe to repeat: yes.
create or replace view bksb.person_result as
with holder as (
    select distinct on (bksb_user_id)
        bksb_user_id,
        person_id,
        from_at,
        to_at
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
