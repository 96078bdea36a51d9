-- Purpose: which password setting an account was created under, so that nobody is told a password that never was
-- theirs. Of the setting there is only a digest of 16 bits, slow to compute, and no reader sees it; null where a
-- creation that broke off was begun under another setting, so that nobody can tell. No row: made before this was noted.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.first_password (
    person_id text primary key references bksb.account (person_id) on update cascade on delete cascade,
    setting_digest text
);
