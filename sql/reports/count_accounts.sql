-- Purpose: count the eligible people, and the states of their accounts.
-- Parameters: since (timestamptz): the start of the runs that the report covers.
-- Result: one row: eligible, created (since then), linked (since then), active, blocked (every other state, and no
--     account).
-- Safe to repeat: yes; it only reads.
select
    count(*) as eligible,
    count(*) filter (where account.origin = 'created' and account.created_at >= %(since)s) as created,
    count(*) filter (where account.origin = 'linked' and account.linked_at >= %(since)s) as linked,
    count(*) filter (where account.state = 'active') as active,
    count(*) filter (where account.state is distinct from 'active') as blocked
from bksb.learner as learner
left join bksb.account as account on learner.person_id = account.person_id
where learner.eligible;
