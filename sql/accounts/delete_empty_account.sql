-- Purpose: make room for an account that moves to this person: their own was never made.
-- Parameters: person_id.
-- Safe to repeat: yes.
delete from bksb.account
where person_id = %(person_id)s and bksb_user_id is null and state in ('pending', 'blocked');
