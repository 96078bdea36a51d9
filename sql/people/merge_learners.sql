-- Purpose: update bksb.learner from the people just extracted. Unchanged rows are not written.
-- Parameters: day_start: when the current day began; last_seen_at moves once a day.
-- Safe to repeat: yes.
insert into bksb.learner as existing (
    person_id, person_kind, learn_ref_number, programme, programme_status, start_on, ended_on, eligible
)
select
    person_id,
    person_kind,
    learn_ref_number,
    programme,
    programme_status,
    start_on,
    ended_on,
    true as eligible
from extracted_person
on conflict (person_id) do update
set
    person_kind = excluded.person_kind,
    learn_ref_number = excluded.learn_ref_number,
    programme = excluded.programme,
    programme_status = excluded.programme_status,
    start_on = excluded.start_on,
    ended_on = excluded.ended_on,
    eligible = true,
    last_seen_at = now()
where
    existing.last_seen_at < %(day_start)s
    or (
        existing.person_kind, existing.learn_ref_number, existing.programme, existing.programme_status,
        existing.start_on, existing.ended_on, existing.eligible
    ) is distinct from (
        excluded.person_kind, excluded.learn_ref_number, excluded.programme, excluded.programme_status,
        excluded.start_on, excluded.ended_on, true
    );
