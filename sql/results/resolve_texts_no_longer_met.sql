-- Purpose: a result text that was new to us is resolved once every result that bears it can be read, or none bears it.
-- Safe to repeat: yes.
update bksb.issue
set resolved_at = now()
where
    resolved_at is null
    and code = 'unknown_result'
    and not exists (
        select 1 from bksb.assessment_result
        where
            assessment_result.result_raw = issue.subject_key
            and assessment_result.level_code is null
            and assessment_result.percent is null
    );
