-- Purpose: reset creations that were recorded but never sent, so that the next run plans them again.
-- Parameters: person_ids.
-- Safe to repeat: yes.
update bksb.account
set
    state = 'pending',
    username = null
where person_id = any(%(person_ids)s::text[]) and state = 'creating';
