-- Purpose: the figures of a results run, for its log line, bksb.sync_run and the asset.
-- Parameters: dag_id, run_id.
-- Result: one row: people, results, added, changed.
-- Safe to repeat: yes, it only reads.
select
    (select count(*) from bksb.run_person where dag_id = %(dag_id)s and run_id = %(run_id)s) as people,
    count(*) as results,
    count(*) filter (where run_id = %(run_id)s and first_seen_at = changed_at) as added,
    count(*) filter (where run_id = %(run_id)s and first_seen_at < changed_at) as changed
from bksb.assessment_result;
