-- Purpose: bring bksb.assessment_result up to what was just read from bksb. New results are added and changed ones
--     replaced, after their old row went to bksb.result_change; what a complete answer no longer lists is missing from
--     now on, stays, and counts no more; all others are left untouched.
-- Parameters: run_id.
-- What goes to bksb.result_change are bksb's changes, not what we read otherwise by now: new words for levels, another
--     time zone, or a date that is in the future no more.
-- The results of the accounts that were read are looked up once, by key: a temporary table has no statistics, and
--     without the offset the planner may read the whole of assessment_result for every load. They are addressed by
--     their place (ctid), which holds meanwhile, because whoever writes results does so as the writer load_results, one
--     transaction at a time. For the same reason what is not known can be inserted without looking for conflicts.
-- Safe to repeat: yes.
with known as materialized (
    select
        loaded_source.complete,
        held.*
    from loaded_source
    cross join lateral (
        select
            assessment_result.ctid as place,
            assessment_result.*
        from bksb.assessment_result
        where
            assessment_result.bksb_user_id = loaded_source.bksb_user_id
            and assessment_result.source = loaded_source.source
        order by assessment_result.session_id
        offset 0
    ) as held
),

replaced as (
    insert into bksb.result_change (
        bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
        assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
        completed_raw, raw, changed_at, run_id, replaced_by_run_id
    )
    select
        known.bksb_user_id,
        known.source,
        known.session_id,
        known.component,
        known.assessment_kind,
        known.subject,
        known.course_subject_raw,
        known.course_name,
        known.assessment_id,
        known.assessment_name,
        known.result_raw,
        known.level_code,
        known.level_order,
        known.percent,
        known.completed_at,
        known.completed_raw,
        known.raw,
        known.changed_at,
        known.run_id,
        %(run_id)s as replaced_by_run_id
    from known
    inner join loaded_result as loaded
        on
            known.bksb_user_id = loaded.bksb_user_id
            and known.source = loaded.source
            and known.session_id = loaded.session_id
            and known.component = loaded.component
    where
        (
            known.assessment_kind, known.course_subject_raw, known.course_name, known.assessment_id,
            known.assessment_name, known.result_raw, known.completed_raw
        ) is distinct from (
            loaded.assessment_kind, loaded.course_subject_raw, loaded.course_name, loaded.assessment_id,
            loaded.assessment_name, loaded.result_raw, loaded.completed_raw
        )
),

changed as (
    update bksb.assessment_result as held
    set
        assessment_kind = loaded.assessment_kind,
        subject = loaded.subject,
        course_subject_raw = loaded.course_subject_raw,
        course_name = loaded.course_name,
        assessment_id = loaded.assessment_id,
        assessment_name = loaded.assessment_name,
        result_raw = loaded.result_raw,
        level_code = loaded.level_code,
        level_order = loaded.level_order,
        percent = loaded.percent,
        completed_at = loaded.completed_at,
        completed_raw = loaded.completed_raw,
        raw = loaded.raw,
        missing_since = null,
        changed_at = now(),
        run_id = %(run_id)s
    from known
    inner join loaded_result as loaded
        on
            known.bksb_user_id = loaded.bksb_user_id
            and known.source = loaded.source
            and known.session_id = loaded.session_id
            and known.component = loaded.component
    where
        held.ctid = known.place
        and (
            known.missing_since is not null
            or (
                known.assessment_kind, known.subject, known.course_subject_raw, known.course_name,
                known.assessment_id, known.assessment_name, known.result_raw, known.level_code, known.level_order,
                known.percent, known.completed_at, known.completed_raw
            ) is distinct from (
                loaded.assessment_kind, loaded.subject, loaded.course_subject_raw, loaded.course_name,
                loaded.assessment_id, loaded.assessment_name, loaded.result_raw, loaded.level_code, loaded.level_order,
                loaded.percent, loaded.completed_at, loaded.completed_raw
            )
        )
),

gone as (
    update bksb.assessment_result
    set
        missing_since = now(),
        changed_at = now(),
        run_id = %(run_id)s
    where
        ctid = any(array(
            select known.place
            from known
            where
                known.complete
                and known.missing_since is null
                and not exists (
                    select 1 from loaded_result
                    where
                        loaded_result.bksb_user_id = known.bksb_user_id
                        and loaded_result.source = known.source
                        and loaded_result.session_id = known.session_id
                        and loaded_result.component = known.component
                )
                and not exists (
                    select 1 from kept_session
                    where
                        kept_session.bksb_user_id = known.bksb_user_id
                        and kept_session.source = known.source
                        and kept_session.session_id = known.session_id
                )
        ))
)

insert into bksb.assessment_result (
    bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
    assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
    completed_raw, raw, first_seen_at, changed_at, run_id
)
select
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
    completed_raw,
    raw,
    now() as first_seen_at,
    now() as changed_at,
    %(run_id)s as run_id
from loaded_result
where
    not exists (
        select 1 from known
        where
            known.bksb_user_id = loaded_result.bksb_user_id
            and known.source = loaded_result.source
            and known.session_id = loaded_result.session_id
            and known.component = loaded_result.component
    );
