-- Purpose: note the people who are to have an account (pending) or cannot have one now (blocked).
-- Parameters: person_ids, states, side by side.
-- Safe to repeat: yes; of the rows that are there, only a pending one that is blocked now changes.
insert into bksb.account as known (person_id, state)
select
    planned.person_id,
    planned.state
from unnest(%(person_ids)s::text[], %(states)s::text[]) as planned (person_id, state)
on conflict (person_id) do update
set state = excluded.state
where known.state = 'pending' and excluded.state = 'blocked';
