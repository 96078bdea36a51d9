-- Purpose: count every day again, or one, from the results; a day is a date in the site's time zone. One day is counted
-- from all results of the people who have one on it, found by the index on completed_at: the view keeps one of two
-- rows of a session that a merge left, and the one it keeps may be of another day.
-- Parameters: zone; day (null: every day).
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
    where
        person_result.completed_at is not null
        and (
            %(day)s::date is null
            or (
                (person_result.completed_at at time zone %(zone)s)::date = %(day)s::date
                and person_result.person_id = any(
                    array(
                        select account_link.person_id
                        from bksb.assessment_result
                        inner join bksb.account_link on assessment_result.bksb_user_id = account_link.bksb_user_id
                        where
                            assessment_result.completed_at >= (%(day)s::date)::timestamp at time zone %(zone)s
                            and assessment_result.completed_at < (%(day)s::date + 1)::timestamp at time zone %(zone)s
                    )
                )
            )
        )
    group by 1, 2, 3, 4
),

gone as (
    delete from bksb.daily_activity as known
    where
        (%(day)s::date is null or known.day = %(day)s::date)
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
