-- Purpose: record for accounts about to be created that they must not be invited, now or later. Run delete_withheld
--     first.
-- Parameters: person_ids; run_id.
-- Safe to repeat: no; once for each creation.
insert into bksb.invitation (person_id, intent_at, state, kind, run_id, last_run_id)
select
    person_id,
    clock_timestamp() as intent_at,
    'withheld' as state,
    'invitation' as kind,
    %(run_id)s as run_id,
    %(run_id)s as last_run_id
from unnest(%(person_ids)s::text[]) as person (person_id);
