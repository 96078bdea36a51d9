-- Purpose: list what a run has to fetch: the sources of active accounts of the run's people, or of named people.
-- Parameters: dag_id, run_id; sources; person_ids (null: the run's people); buckets of the run's people (null: all);
--     covered_until: skip sources read completely up to this moment (null: skip none); failed_since: skip sources that
--     failed or were incomplete after this moment (null: skip none).
-- Result: person_id, bksb_user_id, username, source, holds_results (we hold results of this source that bksb still
--     shows).
-- Safe to repeat: yes; it only reads.
select
    account.person_id,
    account.bksb_user_id,
    account.username,
    requested.source,
    exists(
        select 1 from bksb.assessment_result
        where
            assessment_result.bksb_user_id = account.bksb_user_id
            and assessment_result.source = requested.source
            and assessment_result.missing_since is null
    ) as holds_results
from bksb.account
cross join unnest(%(sources)s::text[]) as requested (source)
left join bksb.account_source
    on account.bksb_user_id = account_source.bksb_user_id and requested.source = account_source.source
where
    account.state = 'active'
    and (
        account.person_id = any(%(person_ids)s::text[])
        or (
            %(person_ids)s::text[] is null
            and exists (
                select 1 from bksb.run_person
                where
                    run_person.dag_id = %(dag_id)s
                    and run_person.run_id = %(run_id)s
                    and run_person.person_id = account.person_id
                    and (
                        %(buckets)s::smallint[] is null
                        or run_person.bucket = any(%(buckets)s::smallint[])
                    )
            )
        )
    )
    and (
        %(covered_until)s::timestamptz is null
        or account_source.synced_at is null
        or account_source.synced_at < %(covered_until)s::timestamptz
    )
    and (
        %(failed_since)s::timestamptz is null
        or coalesce(greatest(account_source.failed_at, account_source.incomplete_at), '-infinity')
        < %(failed_since)s::timestamptz
    )
order by account.person_id, requested.source;
