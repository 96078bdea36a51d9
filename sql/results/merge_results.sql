-- Purpose: update bksb.assessment_result from the listings just read. New results are added. Changed results are
--     replaced, and bksb.result_change keeps the old row. Results that a complete listing no longer shows are marked as
--     missing. Unchanged rows are not written.
-- Parameters: run_id.
-- Safe to repeat: yes.
-- Read once, by key. row_ctid stays valid because the lock load_results lets one writer in at a time.
with existing as materialized (
    select
        loaded_source.complete,
        existing_row.*
    from loaded_source
    cross join lateral (
        select
            assessment_result.ctid as row_ctid,
            assessment_result.*
        from bksb.assessment_result
        where
            assessment_result.bksb_user_id = loaded_source.bksb_user_id
            and assessment_result.source = loaded_source.source
        order by assessment_result.session_id
        -- without offset, the planner may scan assessment_result: a temporary table has no statistics
        offset 0
    ) as existing_row
),

archived as (
    insert into bksb.result_change (
        bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, course_name,
        assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at,
        completed_raw, raw, changed_at, run_id, replaced_by_run_id
    )
    select
        existing.bksb_user_id,
        existing.source,
        existing.session_id,
        existing.component,
        existing.assessment_kind,
        existing.subject,
        existing.course_subject_raw,
        existing.course_name,
        existing.assessment_id,
        existing.assessment_name,
        existing.result_raw,
        existing.level_code,
        existing.level_order,
        existing.percent,
        existing.completed_at,
        existing.completed_raw,
        existing.raw,
        existing.changed_at,
        existing.run_id,
        %(run_id)s as replaced_by_run_id
    from existing
    inner join loaded_result as loaded
        on
            existing.bksb_user_id = loaded.bksb_user_id
            and existing.source = loaded.source
            and existing.session_id = loaded.session_id
            and existing.component = loaded.component
    where
        -- only columns of bksb: our own reading can change too, with new words for levels or another time zone
        (
            existing.assessment_kind, existing.course_subject_raw, existing.course_name, existing.assessment_id,
            existing.assessment_name, existing.result_raw, existing.completed_raw
        ) is distinct from (
            loaded.assessment_kind, loaded.course_subject_raw, loaded.course_name, loaded.assessment_id,
            loaded.assessment_name, loaded.result_raw, loaded.completed_raw
        )
),

updated as (
    update bksb.assessment_result as target
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
    from existing
    inner join loaded_result as loaded
        on
            existing.bksb_user_id = loaded.bksb_user_id
            and existing.source = loaded.source
            and existing.session_id = loaded.session_id
            and existing.component = loaded.component
    where
        target.ctid = existing.row_ctid
        and (
            existing.missing_since is not null
            or (
                existing.assessment_kind, existing.subject, existing.course_subject_raw, existing.course_name,
                existing.assessment_id, existing.assessment_name, existing.result_raw, existing.level_code,
                existing.level_order, existing.percent, existing.completed_at, existing.completed_raw
            ) is distinct from (
                loaded.assessment_kind, loaded.subject, loaded.course_subject_raw, loaded.course_name,
                loaded.assessment_id, loaded.assessment_name, loaded.result_raw, loaded.level_code, loaded.level_order,
                loaded.percent, loaded.completed_at, loaded.completed_raw
            )
        )
),

vanished as (
    update bksb.assessment_result
    set
        missing_since = now(),
        changed_at = now(),
        run_id = %(run_id)s
    where
        ctid = any(array(
            select existing.row_ctid
            from existing
            where
                existing.complete
                and existing.missing_since is null
                and not exists (
                    select 1 from loaded_result
                    where
                        loaded_result.bksb_user_id = existing.bksb_user_id
                        and loaded_result.source = existing.source
                        and loaded_result.session_id = existing.session_id
                        and loaded_result.component = existing.component
                )
                and not exists (
                    select 1 from kept_session
                    where
                        kept_session.bksb_user_id = existing.bksb_user_id
                        and kept_session.source = existing.source
                        and kept_session.session_id = existing.session_id
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
        select 1 from existing
        where
            existing.bksb_user_id = loaded_result.bksb_user_id
            and existing.source = loaded_result.source
            and existing.session_id = loaded_result.session_id
            and existing.component = loaded_result.component
    );
