-- Purpose: show eligible people without an active account, and accounts without an eligible person.
-- Safe to repeat: yes.
create or replace view bksb.unmatched as
select
    'learner without account' as side,
    learner.person_id,
    learner.person_kind,
    coalesce(account.state, 'unknown') as account_state,
    account.username,
    (
        select string_agg(distinct issue.code, ', ')
        from bksb.issue
        where issue.person_id = learner.person_id and issue.resolved_at is null
    ) as issues
from bksb.learner
left join bksb.account on learner.person_id = account.person_id
where learner.eligible and account.state is distinct from 'active'
union all
select
    'account without eligible learner' as side,
    account.person_id,
    learner.person_kind,
    account.state as account_state,
    account.username,
    (
        select string_agg(distinct issue.code, ', ')
        from bksb.issue
        where issue.person_id = account.person_id and issue.resolved_at is null
    ) as issues
from bksb.account
left join bksb.learner on account.person_id = learner.person_id
where account.bksb_user_id is not null and learner.eligible is not true;
