-- Purpose: whoever writes results, links or learners leaves a row in bksb.recount_due for each table made from them;
-- columns that no summary reads (bksb's raw answers, when somebody was last seen) may change without.
-- Safe to repeat: yes.
do $$
begin
    -- always a row more: one that is there already may be deleted by a publication that does not see this write
    create or replace function bksb.mark_recount() returns trigger language plpgsql as $body$
    begin
        insert into bksb.recount_due (table_name) select unnest(tg_argv);
        return null;
    end
    $body$;

    create or replace trigger mark_recount
    after insert or delete or truncate
    or update of bksb_user_id, source, session_id, component, assessment_kind, subject, level_code, level_order,
    percent, completed_at, missing_since
    on bksb.assessment_result
    for each statement execute function bksb.mark_recount('skill_summary', 'daily_activity');

    create or replace trigger mark_recount
    after insert or delete or truncate or update on bksb.account_link
    for each statement execute function bksb.mark_recount('skill_summary', 'daily_activity');

    create or replace trigger mark_recount
    after insert or delete or truncate or update of person_id, person_kind, start_on on bksb.learner
    for each statement execute function bksb.mark_recount('skill_summary');
end
$$;
