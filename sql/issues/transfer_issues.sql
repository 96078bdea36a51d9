-- Purpose: move open issues about an account to the new person_id of its holder.
-- Parameters: former_person_id, person_id; codes: those about an account, not about the MIS record.
-- Safe to repeat: yes.
update bksb.issue
set
    person_id = %(person_id)s,
    subject_key = %(person_id)s
where
    resolved_at is null
    and person_id = %(former_person_id)s
    and code = any(%(codes)s)
    and not exists (
        select 1 from bksb.issue as own
        where own.resolved_at is null and own.code = issue.code and own.subject_key = %(person_id)s
    );
