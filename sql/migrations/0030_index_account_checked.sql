-- Purpose: the links whose turn it is to be looked at again are found without reading the others.
-- Safe to repeat: no; applied once by `migrate`.
create index account_checked_at_idx on bksb.account (checked_at) where bksb_user_id is not null;
