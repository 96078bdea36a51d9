-- Purpose: record the password setting under which an account is created. It becomes null if an unfinished creation
--     began under another setting: we cannot tell which of the two bksb took.
-- Parameters: person_id; setting_digest of the password setting; is_unfinished.
-- Safe to repeat: yes.
insert into bksb.initial_password as existing (person_id, setting_digest)
values (%(person_id)s, %(setting_digest)s)
on conflict (person_id) do update
set setting_digest = case when not %(is_unfinished)s then excluded.setting_digest end
where existing.setting_digest is distinct from excluded.setting_digest;
