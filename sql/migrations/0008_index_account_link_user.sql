-- Purpose: one bksb user belongs to one person at a time.
-- Safe to repeat: no; applied once by `migrate`.
create unique index account_link_user_key on bksb.account_link (bksb_user_id) where to_at is null;
