-- Purpose: bksb's texts stay, our reading of them is replaced; bksb.result_change is about bksb's changes, not ours.
-- Parameters: run_id.
-- Safe to repeat: yes.
update bksb.assessment_result as known
set
    subject = new_reading.subject,
    level_code = new_reading.level_code,
    level_order = new_reading.level_order,
    percent = new_reading.percent,
    completed_at = new_reading.completed_at,
    changed_at = now(),
    run_id = %(run_id)s
from new_reading
where
    known.bksb_user_id = new_reading.bksb_user_id
    and known.source = new_reading.source
    and known.session_id = new_reading.session_id
    and known.component = new_reading.component;
