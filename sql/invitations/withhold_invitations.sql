-- Purpose: people whose invitation is due are not invited, now or later, as the run was told.
-- Parameters: person_ids; run_id.
-- Safe to repeat: yes.
with withheld as (
    update bksb.invitation
    set
        state = 'withheld',
        last_run_id = %(run_id)s
    where
        person_id = any(%(person_ids)s::text[])
        and kind = 'invitation'
        and state in ('sending', 'waiting')
    returning person_id
)

insert into bksb.invitation (person_id, intent_at, state, kind, run_id, last_run_id)
select
    person_id,
    now() as intent_at,
    'withheld' as state,
    'invitation' as kind,
    %(run_id)s as run_id,
    %(run_id)s as last_run_id
from bksb.account
where
    person_id = any(%(person_ids)s::text[])
    and invited_at is null
    and not exists (select 1 from withheld where withheld.person_id = account.person_id)
    and not exists (select 1 from bksb.invitation where invitation.person_id = account.person_id);
