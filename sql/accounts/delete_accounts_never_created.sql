-- Purpose: delete the planned accounts of people who are no longer eligible.
-- Safe to repeat: yes.
delete from bksb.account
where
    state in ('pending', 'blocked')
    and bksb_user_id is null
    and not exists (
        select 1 from bksb.learner
        where learner.person_id = account.person_id and learner.eligible
    );
