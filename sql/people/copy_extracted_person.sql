-- Purpose: load the people just read from the MIS.
-- Safe to repeat: no; a second load breaks the primary key.
copy extracted_person (
    person_id, bucket, person_kind, learn_ref_number, programme, programme_status, start_on, ended_on,
    given_names, family_name, email
) from stdin;
