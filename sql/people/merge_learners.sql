-- Purpose: bring bksb.learner up to date with the people just extracted; rows that say the same stay untouched.
-- Parameters: day_start, the first moment of today: last_seen_at moves once a day.
-- Safe to repeat: yes.
insert into bksb.learner as known (
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
    known.last_seen_at < %(day_start)s
    or (
        known.person_kind, known.learn_ref_number, known.programme, known.programme_status, known.start_on,
        known.ended_on, known.eligible
    ) is distinct from (
        excluded.person_kind, excluded.learn_ref_number, excluded.programme, excluded.programme_status,
        excluded.start_on, excluded.ended_on, true
    );
