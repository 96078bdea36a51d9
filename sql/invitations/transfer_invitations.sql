-- Purpose: move invitations to the new person_id of applicants who became learners, if their account moved.
-- Parameters: former_person_ids, person_ids: parallel arrays.
-- Safe to repeat: yes.
with moved as (
    select
        pair.former_person_id,
        pair.person_id
    from unnest(%(former_person_ids)s::text[], %(person_ids)s::text[]) as pair (former_person_id, person_id)
    inner join bksb.account on pair.person_id = account.person_id
    where pair.former_person_id not in (select former.person_id from bksb.account as former)
)

update bksb.invitation
set person_id = moved.person_id
from moved
where invitation.person_id = moved.former_person_id;
