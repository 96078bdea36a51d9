-- Purpose: list the username of each active account, for the MIS to store.
-- Safe to repeat: yes.
create or replace view bksb.account_for_mis as
select
    person_id,
    username
from bksb.account
where state = 'active';
