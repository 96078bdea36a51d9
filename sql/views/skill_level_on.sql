-- Purpose: find the level of each person at the end of a day, from results completed by then and known today. In a V5
--     session the weakest strand counts, as in bksb.skill_summary.
-- Parameters: on_day; zone: the time zone in which the day ends (null: that of the summaries).
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
            (select summary_rebuild.zone from bksb.summary_rebuild where summary_rebuild.table_name = 'daily_activity'),
            'Europe/London'
        ))
    order by
        result.person_id asc, result.subject asc, result.completed_at desc,
        result.source desc, result.session_id desc, result.level_order asc
$$;
