-- Purpose: count the results of one day, or of every day. Days are dates in the site's time zone.
-- Parameters: zone; day (null: every day).
-- Safe to repeat: yes; unchanged rows are not written.
with activity as (
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
                -- the index finds the people of the day. Their other days count too: of two copies of a merged session
                -- the view keeps one, which may have another day
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

removed as (
    delete from bksb.daily_activity as existing
    where
        (%(day)s::date is null or existing.day = %(day)s::date)
        and not exists (
            select 1 from activity
            where
                activity.day = existing.day
                and activity.subject = existing.subject
                and activity.assessment_kind = existing.assessment_kind
                and activity.level_code = existing.level_code
        )
)

insert into bksb.daily_activity as existing (day, subject, assessment_kind, level_code, results, learners)
select
    day,
    subject,
    assessment_kind,
    level_code,
    results,
    learners
from activity
on conflict (day, subject, assessment_kind, level_code) do update
set
    results = excluded.results,
    learners = excluded.learners
where (existing.results, existing.learners) is distinct from (excluded.results, excluded.learners);
