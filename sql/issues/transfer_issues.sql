-- Purpose: what is wrong with an account moves along with a person who has another person_id now.
-- Parameters: former_person_id, person_id, codes (of issues about an account, not about what the MIS says).
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
