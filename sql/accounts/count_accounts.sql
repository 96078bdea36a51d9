-- Purpose: count what an accounts run did, for its log line and bksb.sync_run.
-- Parameters: dag_id, run_id.
-- Result: one row: eligible, active, stale, created, linked, checked, need_attention.
-- Safe to repeat: yes; it only reads.
with began as (
    select min(started_at) as began_at
    from bksb.sync_run
    where dag_id = %(dag_id)s and run_id = %(run_id)s
)

select
    (select count(*) from bksb.learner where eligible) as eligible,
    count(*) filter (where account.state = 'active') as active,
    count(*) filter (where account.state = 'stale') as stale,
    count(*) filter (where account.origin = 'created' and account.created_at >= began.began_at) as created,
    count(*) filter (where account.origin = 'linked' and account.linked_at >= began.began_at) as linked,
    count(*) filter (where account.checked_at >= began.began_at and account.linked_at < began.began_at) as checked,
    (
        select count(distinct issue.person_id)
        from bksb.issue
        where issue.resolved_at is null and issue.person_id is not null
    ) as need_attention
from began
left join bksb.account on true;
