-- Purpose: issues about people that no longer hold are resolved, never deleted.
-- Parameters: codes, the codes looked at; person_ids, the people looked at (null: everybody);
--     still_codes and still_keys, the (code, subject_key) pairs that do hold, side by side.
-- Safe to repeat: yes.
update bksb.issue
set resolved_at = now()
where
    resolved_at is null
    and person_id is not null
    and code = any(%(codes)s)
    and (%(person_ids)s::text[] is null or person_id = any(%(person_ids)s::text[]))
    and not exists (
        select 1
        from unnest(%(still_codes)s::text[], %(still_keys)s::text[]) as still (code, subject_key)
        where still.code = issue.code and still.subject_key = issue.subject_key
    );
