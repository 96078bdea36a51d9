-- Purpose: a person_id that is used no more has no summary; the next publication makes the new one's.
-- Parameters: person_id.
-- Safe to repeat: yes.
delete from bksb.skill_summary where person_id = %(person_id)s;
