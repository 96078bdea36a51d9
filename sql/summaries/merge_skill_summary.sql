-- Purpose: bring bksb.skill_summary up to date from the results; rows that say the same stay untouched, rows without
-- any result go. The starting point is the first initial result with a level from starting_point_days before the
-- programme started (people sit it before they start); an applicant's is the first ever; somebody whom only a backfill
-- knows has none, as learner does not say when they started. A V5 session has a result for
-- each strand: its level is that of the weakest, and so is its percentage.
-- Parameters: starting_point_days; zone, in which the days begin; person_ids (null: everybody).
-- Safe to repeat: yes.
with result as (
    select
        person_result.person_id,
        person_result.subject,
        person_result.assessment_kind,
        person_result.level_code,
        person_result.level_order,
        person_result.percent,
        person_result.completed_at,
        row(person_result.completed_at, person_result.source, person_result.session_id) as place,
        person_result.assessment_kind = 'initial' and person_result.level_code is not null as is_level,
        row_number() over (
            partition by
                person_result.person_id, person_result.subject, person_result.assessment_kind,
                person_result.completed_at, person_result.source, person_result.session_id
            order by person_result.level_order asc nulls last
        ) = 1 as is_weakest,
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
        (array_agg(level_code order by place desc) filter (where is_level and is_weakest))[1] as latest_level_code,
        (array_agg(level_order order by place desc) filter (where is_level and is_weakest))[1] as latest_level_order,
        max(completed_at) filter (where is_level and is_weakest) as latest_at,
        (array_agg(level_code order by level_order desc, place asc) filter (
            where is_level and is_weakest
        ))[1] as best_level_code,
        max(level_order) filter (where is_level and is_weakest) as best_level_order,
        (array_agg(level_code order by place asc) filter (where may_start and is_weakest))[1] as starting_level_code,
        (array_agg(level_order order by place asc) filter (where may_start and is_weakest))[1] as starting_level_order,
        min(completed_at) filter (where may_start and is_weakest) as starting_at,
        (array_agg(percent order by place desc, percent asc) filter (
            where assessment_kind = 'diagnostic' and percent is not null
        ))[1] as latest_diagnostic_percent,
        max(completed_at) as last_assessed_at
    from result
    group by person_id, subject
),

gone as (
    delete from bksb.skill_summary as known
    where
        (%(person_ids)s::text[] is null or known.person_id = any(%(person_ids)s::text[]))
        and not exists (
            select 1 from summary
            where summary.person_id = known.person_id and summary.subject = known.subject
        )
)

insert into bksb.skill_summary as known (
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
        known.latest_level_code, known.latest_at, known.best_level_code, known.starting_level_code,
        known.starting_at, known.latest_diagnostic_percent, known.last_assessed_at
    ) is distinct from (
        excluded.latest_level_code, excluded.latest_at, excluded.best_level_code, excluded.starting_level_code,
        excluded.starting_at, excluded.latest_diagnostic_percent, excluded.last_assessed_at
    );
