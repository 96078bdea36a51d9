-- Purpose: list the links to check today: a seventh of all links, the longest unchecked first; links not checked for
--     six days; stale links; and links without results because bksb did not answer, as after a merge.
-- Parameters: day_start: when the current day began.
-- Result: person_id.
-- Safe to repeat: yes; it only reads. A link that was checked today is not listed again today.
with linked as (
    select
        person_id,
        state,
        checked_at,
        row_number() over (
            order by checked_at nulls first, person_id
        ) as turn,
        count(*) over () as links,
        count(*) filter (where checked_at >= %(day_start)s) over () as checked_today
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
        or turn <= ceil(links / 7.0) - checked_today
    );
