-- Purpose: how many people are eligible, and how far their bksb accounts have got.
-- Parameters: since (timestamptz), the start of the runs that the report is about.
-- Result: one row: eligible, created (since then), linked (since then), active and eligible, blocked.
-- Safe to repeat: yes; reads only.
select
    count(*) as eligible,
    count(*) filter (where account.origin = 'created' and account.created_at >= %(since)s) as created,
    count(*) filter (where account.origin = 'linked' and account.linked_at >= %(since)s) as linked,
    count(*) filter (where account.state = 'active') as active,
    count(*) filter (where account.state is distinct from 'active') as blocked
from bksb.learner as learner
left join bksb.account as account on learner.person_id = account.person_id
where learner.eligible;
