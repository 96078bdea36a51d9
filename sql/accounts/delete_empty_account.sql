-- Purpose: delete an account that was never created, so that the person can take over an existing one.
-- Parameters: person_id.
-- Safe to repeat: yes.
delete from bksb.account
where person_id = %(person_id)s and bksb_user_id is null and state in ('pending', 'blocked');
