-- Purpose: count every day again, from the results; a day is a date in the site's time zone. All days, because a link
-- that moved changes days of which nothing was loaded, and because the view has to look at every result in any case.
-- Parameters: zone.
-- Safe to repeat: yes, rows that say the same stay untouched.
with recount as (
    select
        (person_result.completed_at at time zone %(zone)s)::date as day,
        person_result.subject,
        person_result.assessment_kind,
        coalesce(person_result.level_code, '') as level_code,
        count(*) as results,
        count(distinct person_result.person_id) as learners
    from bksb.person_result
    where person_result.completed_at is not null
    group by 1, 2, 3, 4
),

gone as (
    delete from bksb.daily_activity as known
    where
        not exists (
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
