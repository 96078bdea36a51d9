-- Purpose: every write of results, links or learners notes in bksb.summary_rebuild_due which summaries have to be made
--     again. Triggers do it, so that no writer can forget. A change of columns that no summary reads notes nothing.
-- Safe to repeat: yes.
create or replace function bksb.mark_summary_rebuild()
returns trigger
language plpgsql
as $$
begin
    -- one more row each time: a row that is there already may be about to go with a publication that does not see
    -- this write
    insert into bksb.summary_rebuild_due (table_name) select unnest(tg_argv);
    return null;
end
$$;

-- in the order in which a run writes these tables, so that migrate and a run never wait for each other
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
