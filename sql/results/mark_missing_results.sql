-- Purpose: what a complete answer no longer lists is missing from now on; it stays, and counts no more.
-- Parameters: run_id.
-- The offset makes it look each account's results up by key, and the rows are addressed by ctid: a temporary table has
-- no statistics, and without both the planner would read the whole of assessment_result for every load. A ctid holds
-- meanwhile, because whoever writes results does so as the writer load_results, one transaction at a time.
-- Safe to repeat: yes, what is missing already stays untouched.
update bksb.assessment_result
set
    missing_since = now(),
    changed_at = now(),
    run_id = %(run_id)s
where
    ctid = any(array(
        select held.place
        from loaded_source
        cross join lateral (
            select
                assessment_result.ctid as place,
                assessment_result.session_id,
                assessment_result.component
            from bksb.assessment_result
            where
                assessment_result.bksb_user_id = loaded_source.bksb_user_id
                and assessment_result.source = loaded_source.source
                and assessment_result.missing_since is null
            order by assessment_result.session_id
            offset 0
        ) as held
        where
            loaded_source.complete
            and not exists (
                select 1 from loaded_result
                where
                    loaded_result.bksb_user_id = loaded_source.bksb_user_id
                    and loaded_result.source = loaded_source.source
                    and loaded_result.session_id = held.session_id
                    and loaded_result.component = held.component
            )
            and not exists (
                select 1 from kept_session
                where
                    kept_session.bksb_user_id = loaded_source.bksb_user_id
                    and kept_session.source = loaded_source.source
                    and kept_session.session_id = held.session_id
            )
    ));
