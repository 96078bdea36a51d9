-- Purpose: create the temporary table of people just read from the MIS.
-- Safe to repeat: no; once in a transaction, which drops the table at its end.
create temporary table extracted_person (
    person_id text primary key,
    bucket smallint not null,
    person_kind text not null,
    learn_ref_number text,
    programme text,
    programme_status text,
    start_on date,
    ended_on date,
    given_names text,
    family_name text,
    email text
) on commit drop;
