-- Purpose: who is to have a bksb account on a day. This version fits the sandbox MIS. A site's own, for the tables of
--     its MIS, is config/eligible_learners.sql, which is used instead of this file.
-- Parameters: as_of (date), the day asked about; ended_since (date), one calendar month before it; applied_since
--     (date), since when an applicant counts; each written with a colon before it. Computed outside, so that no
--     dialect's date arithmetic is needed.
-- Result: one row a person, the live programme that started last. person_id must say nothing about the person (it
--     stands in URLs and tables). proposed_username is used where bksb_username is null. The columns and their types
--     are a contract: README, "Point it at your MIS".
-- Safe to repeat: yes, it only reads.
-- A break in learning is left out here: a copy without that line keeps people on a break.
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
        ) as place
    from episode
    where
        system_status = 'Live'
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
        ) as place
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
where learner_programme.place = 1
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
    on person.person_id = learner_programme.person_id and learner_programme.place = 1
where applicant_programme.place = 1 and learner_programme.person_id is null;
