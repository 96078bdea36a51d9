-- Purpose: count what a results run loaded, for its log line, bksb.sync_run and the asset. Results loaded by an earlier
--     attempt at the run are not counted as added, changed or missing.
-- Parameters: dag_id, run_id.
-- Result: one row: people, results (those that bksb shows), added, changed, missing.
-- Safe to repeat: yes; it only reads.
with attempt as (
    select max(started_at) as started_at
    from bksb.sync_run
    where dag_id = %(dag_id)s and run_id = %(run_id)s
)

select
    (select count(*) from bksb.run_person where dag_id = %(dag_id)s and run_id = %(run_id)s) as people,
    count(*) filter (where missing_since is null) as results,
    count(*) filter (where is_of_attempt and missing_since is null and first_seen_at = changed_at) as added,
    count(*) filter (where is_of_attempt and missing_since is null and first_seen_at < changed_at) as changed,
    count(*) filter (where is_of_attempt and missing_since is not null) as missing
from (
    select
        missing_since,
        first_seen_at,
        changed_at,
        run_id = %(run_id)s and changed_at >= (select attempt.started_at from attempt) as is_of_attempt
    from bksb.assessment_result
) as result;
