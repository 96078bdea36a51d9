-- Purpose: whose link is looked at again today: a seventh of all links, the longest unseen first; every link that has
--     not been seen for six days; every stale one; and whose results bksb would not give, as after a merge.
-- Parameters: day_start, the first moment of today.
-- Result: person_id.
-- Safe to repeat: yes, it only reads; who has been looked at today is not due again today.
with linked as (
    select
        person_id,
        state,
        checked_at,
        row_number() over (
            order by checked_at nulls first, person_id
        ) as place,
        count(*) over () as links,
        count(*) filter (where checked_at >= %(day_start)s) over () as seen_today
    from bksb.account
    where state in ('active', 'stale') and bksb_user_id is not null
)

select person_id
from linked
where
    (checked_at is null or checked_at < %(day_start)s)
    and (
        state = 'stale'
        or checked_at is null
        or exists (
            select 1 from bksb.issue
            where
                issue.person_id = linked.person_id
                and issue.code = 'results_no_answer'
                and issue.resolved_at is null
        )
        or checked_at < %(day_start)s - interval '6 days'
        or place <= ceil(links / 7.0) - seen_today
    );
