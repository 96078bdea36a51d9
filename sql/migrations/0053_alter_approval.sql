-- Purpose: a run that fails before it goes ahead says so, instead of waiting for ever; and what a person approved for
-- people who were named is told from what they approved for everybody.
-- Safe to repeat: no; applied once by `migrate`.
alter table bksb.approval
drop constraint approval_outcome_check,
add constraint approval_outcome_is_known check (
    outcome in ('waiting', 'approved', 'rejected', 'not_asked', 'failed')
),
add column about_everybody boolean not null default true;
