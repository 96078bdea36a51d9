-- Purpose: a missing answer for somebody who is not eligible any more is nobody's business now.
-- Parameters: codes.
-- Safe to repeat: yes.
update bksb.issue
set resolved_at = now()
where
    resolved_at is null
    and code = any(%(codes)s)
    and not exists (
        select 1 from bksb.learner
        where learner.person_id = issue.person_id and learner.eligible
    );
