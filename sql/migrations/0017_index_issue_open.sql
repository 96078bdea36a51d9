-- Purpose: one open issue a code and subject.
-- Safe to repeat: no; applied once by `migrate`.
create unique index issue_open_key on bksb.issue (code, subject_key) where resolved_at is null;
