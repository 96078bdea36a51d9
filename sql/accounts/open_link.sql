-- Purpose: start the link of a person to a bksb user.
-- Parameters: person_id, bksb_user_id.
-- Safe to repeat: yes.
insert into bksb.account_link (person_id, bksb_user_id, from_at)
select
    %(person_id)s as person_id,
    %(bksb_user_id)s as bksb_user_id,
    now() as from_at
where
    not exists (
        select 1 from bksb.account_link
        where person_id = %(person_id)s and bksb_user_id = %(bksb_user_id)s and to_at is null
    );
