-- Purpose: a place for the people just read from the MIS, gone with the transaction.
-- Safe to repeat: once a transaction.
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
