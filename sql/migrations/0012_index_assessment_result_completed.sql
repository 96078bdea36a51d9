-- Purpose: the results of a day or a period.
-- Safe to repeat: no; applied once by `migrate`.
create index assessment_result_completed_at on bksb.assessment_result (completed_at);
