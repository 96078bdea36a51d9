-- Purpose: the level each person stood at when on_day ended, by the day results were completed, as known today. Of the
-- strands of one V5 session the weakest speaks, as in bksb.skill_summary.
-- Parameters: on_day; zone, in which the day ends (null: the site's, as the summaries were made with).
-- Result: person_id, subject, level_code, level_order, completed_at of the latest initial result with a level.
-- Safe to repeat: yes.
create or replace function bksb.skill_level_on(on_day date, zone text default null)
returns table (person_id text, subject text, level_code text, level_order smallint, completed_at timestamptz)
language sql stable
as $$
    select distinct on (result.person_id, result.subject)
        result.person_id,
        result.subject,
        result.level_code,
        result.level_order,
        result.completed_at
    from bksb.person_result as result
    where result.assessment_kind = 'initial'
        and result.level_code is not null
        and result.completed_at < ((on_day + 1)::timestamp at time zone coalesce(
            zone,
            (select last_recount.zone from bksb.last_recount where last_recount.table_name = 'daily_activity'),
            'Europe/London'
        ))
    order by
        result.person_id asc, result.subject asc, result.completed_at desc,
        result.source desc, result.session_id desc, result.level_order asc
$$;
