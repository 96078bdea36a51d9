-- Purpose: add the people of a plan to bksb.account, as pending or blocked.
-- Parameters: person_ids, states: parallel arrays.
-- Safe to repeat: yes; an existing row changes only from pending to blocked.
insert into bksb.account as existing (person_id, state)
select
    planned.person_id,
    planned.state
from unnest(%(person_ids)s::text[], %(states)s::text[]) as planned (person_id, state)
on conflict (person_id) do update
set state = excluded.state
where existing.state = 'pending' and excluded.state = 'blocked';
