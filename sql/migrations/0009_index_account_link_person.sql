-- Purpose: one person has one bksb user at a time.
-- Safe to repeat: no; applied once by `migrate`.
create unique index account_link_person_key on bksb.account_link (person_id) where to_at is null;
