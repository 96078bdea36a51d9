-- Purpose: nothing can be done for this person now; bksb.issue says why.
-- Parameters: person_id.
-- Safe to repeat: yes.
insert into bksb.account as known (person_id, state)
values (%(person_id)s, 'blocked')
on conflict (person_id) do update
set
    state = excluded.state,
    username = null
where known.state in ('pending', 'creating');
