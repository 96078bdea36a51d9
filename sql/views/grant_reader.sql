-- Purpose: grant a role what a reporting tool needs: no contact details, and no raw answers of bksb.
-- Parameters: role_name: an existing role.
-- Safe to repeat: yes.
create or replace function bksb.grant_reader(role_name text)
returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema bksb to %I', role_name);
    execute format(
        'grant select on bksb.learner, bksb.account, bksb.account_link, bksb.skill_summary, bksb.daily_activity, '
        'bksb.summary_rebuild, bksb.issue, bksb.sync_run, bksb.planned_action, bksb.latest_plan, '
        'bksb.person_result, bksb.latest_result, bksb.unmatched, bksb.account_for_mis to %I', role_name
    );
    execute format('grant select (bksb_user_id, source, synced_at) on bksb.account_source to %I', role_name);
    execute format(
        'grant select (bksb_user_id, source, session_id, component, assessment_kind, subject, course_subject_raw, '
        'course_name, assessment_id, assessment_name, result_raw, level_code, level_order, percent, completed_at, '
        'completed_raw, first_seen_at, changed_at, missing_since, run_id) on bksb.assessment_result to %I', role_name
    );
end
$$;
