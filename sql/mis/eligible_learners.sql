-- Purpose: list the people who should have a bksb account on a day. This version fits the sandbox MIS. To use your own,
--     write config/eligible_learners.sql (docs/mis-query.md explains it).
-- Parameters: as_of (date): the day asked about; ended_since (date): one calendar month earlier; applied_since (date):
--     applications before this day do not count. Each has a colon before it. They are computed outside, so that the
--     query needs no date arithmetic.
-- Result: one row for each person, with the live programme that started last. person_id appears in run parameters,
--     tables and logs, so it must say nothing about the person. proposed_username is used where bksb_username is null.
-- Safe to repeat: yes; it only reads.
with learner_programme as (
    select
        person_id,
        programme,
        programme_status,
        start_date,
        actual_end_date,
        row_number() over (
            partition by person_id
            order by start_date desc, episode_id desc
        ) as recency
    from episode
    where
        system_status = 'Live'
        -- leaves out people on a break in learning; delete this condition to keep them
        and (programme_status is null or programme_status <> 'Break in learning')
        and start_date <= :as_of
        and (actual_end_date is null or actual_end_date >= :ended_since)
),

applicant_programme as (
    select
        person_id,
        programme,
        application_status,
        row_number() over (
            partition by person_id
            order by applied_date desc, application_id desc
        ) as recency
    from application
    where
        system_status = 'Live'
        and (application_status is null or application_status <> 'Transferred')
        and applied_date <= :as_of
        and applied_date >= :applied_since
)

select
    person.person_id,
    'learner' as person_kind,
    person.learn_ref_number,
    person.forenames as given_names,
    person.surname as family_name,
    person.email,
    person.date_of_birth,
    person.bksb_username,
    coalesce(nullif(trim(person.learn_ref_number), ''), person.person_id) as proposed_username,
    learner_programme.programme,
    learner_programme.programme_status,
    learner_programme.start_date as start_on,
    learner_programme.actual_end_date as ended_on,
    person.former_person_id
from person
inner join learner_programme on person.person_id = learner_programme.person_id
where learner_programme.recency = 1
union all
select
    person.person_id,
    'applicant' as person_kind,
    person.learn_ref_number,
    person.forenames as given_names,
    person.surname as family_name,
    person.email,
    person.date_of_birth,
    person.bksb_username,
    coalesce(nullif(trim(person.learn_ref_number), ''), person.person_id) as proposed_username,
    applicant_programme.programme,
    applicant_programme.application_status as programme_status,
    null as start_on,
    null as ended_on,
    person.former_person_id
from person
inner join applicant_programme on person.person_id = applicant_programme.person_id
left join learner_programme
    on person.person_id = learner_programme.person_id and learner_programme.recency = 1
where applicant_programme.recency = 1 and learner_programme.person_id is null;
