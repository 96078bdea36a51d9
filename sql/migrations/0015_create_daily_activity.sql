-- Purpose: what was completed on each day (a date in the site's time zone); level_code '' is "no level read".
-- Safe to repeat: no; applied once by `migrate`.
create table bksb.daily_activity (
    day date not null,
    subject text not null,
    assessment_kind text not null,
    level_code text not null,
    results integer not null,
    learners integer not null,
    primary key (day, subject, assessment_kind, level_code)
);
