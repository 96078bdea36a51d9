-- Purpose: one line a person and subject: latest, best and starting level, latest diagnostic. Kept by the load.
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.skill_summary (
    person_id text not null,
    subject text not null,
    latest_level_code text,
    latest_level_order smallint,
    latest_at timestamptz,
    best_level_code text,
    best_level_order smallint,
    starting_level_code text,
    starting_level_order smallint,
    starting_at timestamptz,
    latest_diagnostic_percent numeric,
    last_assessed_at timestamptz,
    primary key (person_id, subject)
);
