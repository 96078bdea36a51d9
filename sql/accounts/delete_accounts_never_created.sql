-- Purpose: forget accounts that were never made, of people who are not eligible any more.
-- Safe to repeat: yes.
delete from bksb.account
where
    state in ('pending', 'blocked')
    and bksb_user_id is null
    and not exists (
        select 1 from bksb.learner
        where learner.person_id = account.person_id and learner.eligible
    );
