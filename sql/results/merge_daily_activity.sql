-- Purpose: count again, from the results, the run's own day and every day on which a result stands or stood that this
-- run (or a run whose latest attempt did not end well) loaded. Days are dates in the site's time zone.
-- Parameters: day; run_id; zone.
-- Safe to repeat: yes, rows that say the same stay untouched.
with unpublished as (
    select run_id
    from bksb.sync_run
    where dag_id = 'bksb_results'
    group by run_id
    having run_id = %(run_id)s or (array_agg(state order by attempt desc))[1] <> 'success'
),

touched as (
    select %(day)s::date as day
    union
    select (assessment_result.completed_at at time zone %(zone)s)::date as day
    from bksb.assessment_result
    inner join unpublished on assessment_result.run_id = unpublished.run_id
    where assessment_result.completed_at is not null
    union
    select (result_change.completed_at at time zone %(zone)s)::date as day
    from bksb.result_change
    inner join unpublished on result_change.replaced_by_run_id = unpublished.run_id
    where result_change.completed_at is not null
),

recount as (
    select
        (person_result.completed_at at time zone %(zone)s)::date as day,
        person_result.subject,
        person_result.assessment_kind,
        coalesce(person_result.level_code, '') as level_code,
        count(*) as results,
        count(distinct person_result.person_id) as learners
    from bksb.person_result
    where (person_result.completed_at at time zone %(zone)s)::date in (select touched.day from touched)
    group by 1, 2, 3, 4
),

gone as (
    delete from bksb.daily_activity as known
    where
        known.day in (select touched.day from touched)
        and not exists (
            select 1 from recount
            where
                recount.day = known.day
                and recount.subject = known.subject
                and recount.assessment_kind = known.assessment_kind
                and recount.level_code = known.level_code
        )
)

insert into bksb.daily_activity as known (day, subject, assessment_kind, level_code, results, learners)
select
    day,
    subject,
    assessment_kind,
    level_code,
    results,
    learners
from recount
on conflict (day, subject, assessment_kind, level_code) do update
set
    results = excluded.results,
    learners = excluded.learners
where (known.results, known.learners) is distinct from (excluded.results, excluded.learners);
