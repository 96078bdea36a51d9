-- Purpose: accounts made before there were invitations count as withheld: their owners were told in another way.
-- Safe to repeat: no; applied once by `migrate`.
insert into bksb.invitation (person_id, intent_at, state, kind)
select
    person_id,
    now() as intent_at,
    'withheld' as state,
    'invitation' as kind
from bksb.account
where origin = 'created' and invited_at is null;
