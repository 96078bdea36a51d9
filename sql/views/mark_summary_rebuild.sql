-- Purpose: record in bksb.summary_rebuild_due which summaries have to be rebuilt, after every write of results, links
--     or learners. Triggers do it, so no writer can miss it. Changes of columns that no summary reads do not count.
-- Safe to repeat: yes.
create or replace function bksb.mark_summary_rebuild()
returns trigger
language plpgsql
as $$
begin
    -- always a new row: a publication that does not see this write may be about to delete the existing one
    insert into bksb.summary_rebuild_due (table_name) select unnest(tg_argv);
    return null;
end
$$;

-- in the order in which a run writes these tables, so that migrate and a run never deadlock
create or replace trigger mark_summary_rebuild
after insert or delete or truncate or update of person_id, person_kind, start_on on bksb.learner
for each statement execute function bksb.mark_summary_rebuild('skill_summary');

create or replace trigger mark_summary_rebuild
after insert or delete or truncate or update on bksb.account_link
for each statement execute function bksb.mark_summary_rebuild('skill_summary', 'daily_activity');

create or replace trigger mark_summary_rebuild
after insert or delete or truncate
or update of bksb_user_id, source, session_id, component, assessment_kind, subject, level_code, level_order,
percent, completed_at, missing_since
on bksb.assessment_result
for each statement execute function bksb.mark_summary_rebuild('skill_summary', 'daily_activity');
