-- Purpose: one person a username; bksb compares usernames without regard to case.
-- Safe to repeat: no; applied once by `migrate`.
create unique index account_username_key on bksb.account (lower(username));
