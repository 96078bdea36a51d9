-- Purpose: explain why a run has nothing to fetch.
-- Parameters: dag_id, run_id; sources; covered_until, the moment up to which a source must have been read.
-- Result: one row: people of the run, accounts of them that are active, covered: accounts with every source read
--     completely up to that moment.
-- Safe to repeat: yes, it only reads.
select
    count(*) as people,
    count(account.person_id) as accounts,
    count(account.person_id) filter (
        where not exists (
            select 1
            from unnest(%(sources)s::text[]) as wanted (source)
            left join bksb.account_source
                on account.bksb_user_id = account_source.bksb_user_id and wanted.source = account_source.source
            where account_source.synced_at is null or account_source.synced_at < %(covered_until)s::timestamptz
        )
    ) as covered
from bksb.run_person
left join bksb.account on run_person.person_id = account.person_id and account.state = 'active'
where run_person.dag_id = %(dag_id)s and run_person.run_id = %(run_id)s;
