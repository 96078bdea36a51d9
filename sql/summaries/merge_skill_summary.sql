-- Purpose: update bksb.skill_summary from the results, and delete rows without any result. A V5 session has a result
--     for each strand, and the weakest counts.
-- Parameters: starting_point_days; zone: the time zone in which days begin; person_ids (null: everyone).
-- Safe to repeat: yes; unchanged rows are not written.
with result as (
    select
        person_result.person_id,
        person_result.subject,
        person_result.assessment_kind,
        person_result.level_code,
        person_result.level_order,
        person_result.percent,
        person_result.completed_at,
        row(person_result.completed_at, person_result.source, person_result.session_id) as recency,
        person_result.assessment_kind = 'initial' and person_result.level_code is not null as is_level,
        row_number() over (
            partition by
                person_result.person_id, person_result.subject, person_result.assessment_kind,
                person_result.completed_at, person_result.source, person_result.session_id
            order by person_result.level_order asc nulls last
        ) = 1 as is_weakest,
        -- people may sit it before the programme starts; an applicant may sit it at any time. People known from
        -- backfills alone have no start_on, and so no starting point
        person_result.assessment_kind = 'initial'
        and person_result.level_code is not null
        and (
            learner.person_kind = 'applicant'
            or person_result.completed_at
            >= (learner.start_on - make_interval(days => %(starting_point_days)s)) at time zone %(zone)s
        ) as may_start
    from bksb.person_result
    left join bksb.learner on person_result.person_id = learner.person_id
    where
        person_result.completed_at is not null
        and (%(person_ids)s::text[] is null or person_result.person_id = any(%(person_ids)s::text[]))
),

summary as (
    select
        person_id,
        subject,
        (array_agg(level_code order by recency desc) filter (where is_level and is_weakest))[1] as latest_level_code,
        (array_agg(level_order order by recency desc) filter (where is_level and is_weakest))[1] as latest_level_order,
        max(completed_at) filter (where is_level and is_weakest) as latest_at,
        (array_agg(level_code order by level_order desc, recency asc) filter (
            where is_level and is_weakest
        ))[1] as best_level_code,
        max(level_order) filter (where is_level and is_weakest) as best_level_order,
        (array_agg(level_code order by recency asc) filter (where may_start and is_weakest))[1] as starting_level_code,
        (array_agg(level_order order by recency asc) filter (
            where may_start and is_weakest
        ))[1] as starting_level_order,
        min(completed_at) filter (where may_start and is_weakest) as starting_at,
        (array_agg(percent order by recency desc, percent asc) filter (
            where assessment_kind = 'diagnostic' and percent is not null
        ))[1] as latest_diagnostic_percent,
        max(completed_at) as last_assessed_at
    from result
    group by person_id, subject
),

removed as (
    delete from bksb.skill_summary as existing
    where
        (%(person_ids)s::text[] is null or existing.person_id = any(%(person_ids)s::text[]))
        and not exists (
            select 1 from summary
            where summary.person_id = existing.person_id and summary.subject = existing.subject
        )
)

insert into bksb.skill_summary as existing (
    person_id, subject, latest_level_code, latest_level_order, latest_at, best_level_code, best_level_order,
    starting_level_code, starting_level_order, starting_at, latest_diagnostic_percent, last_assessed_at
)
select
    person_id,
    subject,
    latest_level_code,
    latest_level_order,
    latest_at,
    best_level_code,
    best_level_order,
    starting_level_code,
    starting_level_order,
    starting_at,
    latest_diagnostic_percent,
    last_assessed_at
from summary
on conflict (person_id, subject) do update
set
    latest_level_code = excluded.latest_level_code,
    latest_level_order = excluded.latest_level_order,
    latest_at = excluded.latest_at,
    best_level_code = excluded.best_level_code,
    best_level_order = excluded.best_level_order,
    starting_level_code = excluded.starting_level_code,
    starting_level_order = excluded.starting_level_order,
    starting_at = excluded.starting_at,
    latest_diagnostic_percent = excluded.latest_diagnostic_percent,
    last_assessed_at = excluded.last_assessed_at
where
    (
        existing.latest_level_code, existing.latest_at, existing.best_level_code, existing.starting_level_code,
        existing.starting_at, existing.latest_diagnostic_percent, existing.last_assessed_at
    ) is distinct from (
        excluded.latest_level_code, excluded.latest_at, excluded.best_level_code, excluded.starting_level_code,
        excluded.starting_at, excluded.latest_diagnostic_percent, excluded.last_assessed_at
    );
