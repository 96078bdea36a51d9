-- Purpose: people whose accounts a run is about to create are not invited, now or later, as the run was told. Whatever
--     an earlier run noted about an account that never came about has been forgotten first (delete_withheld).
-- Parameters: person_ids; run_id.
-- Safe to repeat: no, once for each intent to create.
insert into bksb.invitation (person_id, intent_at, state, kind, run_id, last_run_id)
select
    person_id,
    clock_timestamp() as intent_at,
    'withheld' as state,
    'invitation' as kind,
    %(run_id)s as run_id,
    %(run_id)s as last_run_id
from unnest(%(person_ids)s::text[]) as person (person_id);
