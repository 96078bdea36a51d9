-- Purpose: what a complete answer no longer lists is missing from now on; it stays, and counts no more.
-- Parameters: run_id.
-- Safe to repeat: yes, what is missing already stays untouched.
update bksb.assessment_result as known
set
    missing_since = now(),
    changed_at = now(),
    run_id = %(run_id)s
from loaded_source
where
    known.bksb_user_id = loaded_source.bksb_user_id
    and known.source = loaded_source.source
    and loaded_source.complete
    and known.missing_since is null
    and not exists (
        select 1 from loaded_result
        where
            loaded_result.bksb_user_id = known.bksb_user_id
            and loaded_result.source = known.source
            and loaded_result.session_id = known.session_id
            and loaded_result.component = known.component
    )
    and not exists (
        select 1 from kept_session
        where
            kept_session.bksb_user_id = known.bksb_user_id
            and kept_session.source = known.source
            and kept_session.session_id = known.session_id
    );
