-- Purpose: describe the tables of people in the database.
-- Safe to repeat: yes.
comment on schema bksb is 'What bksb sync knows and has done. docs/tables.md explains the tables.';

comment on table bksb.learner is 'A learner or applicant of the MIS. Holds no name and no address.';
comment on column bksb.learner.person_id is 'Key of the person in the MIS.';
comment on column bksb.learner.person_kind is 'learner or applicant.';
comment on column bksb.learner.learn_ref_number is 'Learner reference number in the MIS.';
comment on column bksb.learner.programme is 'The programme that started last.';
comment on column bksb.learner.programme_status is 'Status of the programme, in the words of the MIS.';
comment on column bksb.learner.start_on is 'First day of the programme.';
comment on column bksb.learner.ended_on is 'Last day of the programme, null if the MIS has none.';
comment on column bksb.learner.eligible is
'True if the MIS listed the person at the last run of bksb_accounts that went ahead. '
'Only eligible people get accounts and mail.';
comment on column bksb.learner.first_seen_at is 'When a run first found the person in the MIS.';
comment on column bksb.learner.last_seen_at is
'When a run last found the person in the MIS. Moves at most once a day, unless another column changes.';

comment on table bksb.learner_contact is 'The name and e-mail address of a person. Readers do not see this table.';
comment on column bksb.learner_contact.person_id is 'The person, as in learner.';
comment on column bksb.learner_contact.given_names is 'Given names, as in the MIS.';
comment on column bksb.learner_contact.family_name is 'Family name, as in the MIS.';
comment on column bksb.learner_contact.email is 'E-mail address, as in the MIS.';

comment on table bksb.run_person is
'A person that a run of bksb_results covers, as of the day of that run. Deleted after 60 days. Not for readers.';
comment on column bksb.run_person.dag_id is 'The DAG.';
comment on column bksb.run_person.run_id is 'The run.';
comment on column bksb.run_person.person_id is 'The person.';
comment on column bksb.run_person.person_kind is 'learner or applicant, on the day of the run.';
comment on column bksb.run_person.programme is 'The programme on the day of the run.';
comment on column bksb.run_person.start_on is 'First day of that programme.';
comment on column bksb.run_person.ended_on is 'Last day of that programme, null if the MIS has none.';
comment on column bksb.run_person.written_at is 'When the row was written.';
comment on column bksb.run_person.bucket is 'Fixed group of people that the person belongs to, 0 to 63.';
