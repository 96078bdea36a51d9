-- Purpose: creations that were intended and, as something stopped the task, never sent: planned again as if new.
-- Parameters: person_ids.
-- Safe to repeat: yes.
update bksb.account
set
    state = 'pending',
    username = null
where person_id = any(%(person_ids)s::text[]) and state = 'creating';
