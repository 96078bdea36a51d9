-- Purpose: note the people who are to have an account (pending) or cannot have one now (blocked).
-- Parameters: dag_id, run_id.
-- Safe to repeat: yes; of the rows that are there, only a pending one that is blocked now changes.
insert into bksb.account as known (person_id, state)
select
    person_id,
    case action when 'blocked' then 'blocked' else 'pending' end as state
from bksb.planned_action
where dag_id = %(dag_id)s and run_id = %(run_id)s and action in ('create', 'link', 'blocked')
on conflict (person_id) do update
set state = excluded.state
where known.state = 'pending' and excluded.state = 'blocked';
