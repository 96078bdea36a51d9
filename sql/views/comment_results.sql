-- Purpose: describe the tables and views of results in the database.
-- Safe to repeat: yes.
comment on table bksb.account_source is 'How far one source of results of one bksb user has been read.';
comment on column bksb.account_source.bksb_user_id is 'The bksb user.';
comment on column bksb.account_source.source is 'initial, diagnostic or v5: one kind of listing in bksb.';
comment on column bksb.account_source.synced_at is
'Every result completed before this moment is loaded. Null: this source was never read completely.';
comment on column bksb.account_source.incomplete_at is
'When bksb last returned fewer results than it announced. No older answer is loaded over that one. '
'A backfill does not ask again for an hour. Not for readers.';
comment on column bksb.account_source.failed_at is
'When bksb last gave no usable answer. A backfill does not ask again for an hour. Not for readers.';

comment on table bksb.assessment_result is
'One result as bksb shows it. A V5 session has a row for each component; its weakest component counts.';
comment on column bksb.assessment_result.bksb_user_id is 'The bksb user. person_result says which person that is.';
comment on column bksb.assessment_result.source is 'initial, diagnostic or v5: the listing in bksb that has it.';
comment on column bksb.assessment_result.session_id is 'Key of the session in bksb.';
comment on column bksb.assessment_result.component is
'Component (strand) of a V5 session. Empty for other results, and for a V5 report without components.';
comment on column bksb.assessment_result.assessment_kind is 'initial or diagnostic.';
comment on column bksb.assessment_result.subject is 'Our name of the subject, such as English or Maths.';
comment on column bksb.assessment_result.course_subject_raw is 'The subject in the words of bksb.';
comment on column bksb.assessment_result.course_name is 'Name of the course in bksb.';
comment on column bksb.assessment_result.assessment_id is 'Key of the assessment in bksb, if it gives one.';
comment on column bksb.assessment_result.assessment_name is 'Name of the assessment in bksb.';
comment on column bksb.assessment_result.result_raw is 'The result in the words of bksb.';
comment on column bksb.assessment_result.level_code is
'Our reading of the result: PRE, E1, E2, E3, L1, L2 or L3. Null if it names no such level.';
comment on column bksb.assessment_result.level_order is 'The level as a number, 0 (PRE) to 6 (L3).';
comment on column bksb.assessment_result.percent is 'Our reading of the result as a percentage, if it is one.';
comment on column bksb.assessment_result.completed_at is
'When the person completed it, read in the time zone of the connection. Null if we cannot read the date.';
comment on column bksb.assessment_result.completed_raw is 'The date in the words of bksb.';
comment on column bksb.assessment_result.raw is
'The whole answer of bksb about this result. Emptied after raw_days, if that is set. Not for readers.';
comment on column bksb.assessment_result.first_seen_at is 'When a run first loaded the result.';
comment on column bksb.assessment_result.changed_at is 'When a run last changed this row.';
comment on column bksb.assessment_result.missing_since is
'When bksb stopped showing the result. It then no longer counts. Null: bksb shows it.';
comment on column bksb.assessment_result.run_id is 'The run that last changed this row.';

comment on table bksb.result_change is
'The old row of a result that bksb changed, and the run that replaced it. Not for readers.';
comment on column bksb.result_change.id is 'Number of the change.';
comment on column bksb.result_change.bksb_user_id is 'The bksb user.';
comment on column bksb.result_change.source is 'initial, diagnostic or v5.';
comment on column bksb.result_change.session_id is 'Key of the session in bksb.';
comment on column bksb.result_change.component is 'Component of a V5 session, else empty.';
comment on column bksb.result_change.assessment_kind is 'initial or diagnostic.';
comment on column bksb.result_change.subject is 'Our name of the subject, before the change.';
comment on column bksb.result_change.course_subject_raw is 'The subject in the words of bksb, before the change.';
comment on column bksb.result_change.course_name is 'Name of the course, before the change.';
comment on column bksb.result_change.assessment_id is 'Key of the assessment, before the change.';
comment on column bksb.result_change.assessment_name is 'Name of the assessment, before the change.';
comment on column bksb.result_change.result_raw is 'The result in the words of bksb, before the change.';
comment on column bksb.result_change.level_code is 'Our reading of the level, before the change.';
comment on column bksb.result_change.level_order is 'That level as a number.';
comment on column bksb.result_change.percent is 'Our reading of the percentage, before the change.';
comment on column bksb.result_change.completed_at is 'When the person completed it, as read before the change.';
comment on column bksb.result_change.completed_raw is 'The date in the words of bksb, before the change.';
comment on column bksb.result_change.raw is
'The whole answer of bksb, before the change. Emptied after raw_days, if that is set.';
comment on column bksb.result_change.changed_at is 'When the old row had last changed.';
comment on column bksb.result_change.run_id is 'The run that had last changed the old row.';
comment on column bksb.result_change.replaced_at is 'When the new row took its place.';
comment on column bksb.result_change.replaced_by_run_id is 'The run that loaded the new row.';

comment on view bksb.person_result is
'The results that bksb still shows, by person. The results of a bksb user belong to the person linked to it last. '
'A session that a merge left under two users of one person counts once.';
comment on column bksb.person_result.person_id is 'The person.';
comment on column bksb.person_result.bksb_user_id is 'The bksb user that has the result.';
comment on column bksb.person_result.source is 'initial, diagnostic or v5.';
comment on column bksb.person_result.session_id is 'Key of the session in bksb.';
comment on column bksb.person_result.component is 'Component of a V5 session, else empty.';
comment on column bksb.person_result.assessment_kind is 'initial or diagnostic.';
comment on column bksb.person_result.subject is 'Our name of the subject.';
comment on column bksb.person_result.course_subject_raw is 'The subject in the words of bksb.';
comment on column bksb.person_result.course_name is 'Name of the course.';
comment on column bksb.person_result.assessment_id is 'Key of the assessment in bksb.';
comment on column bksb.person_result.assessment_name is 'Name of the assessment.';
comment on column bksb.person_result.result_raw is 'The result in the words of bksb.';
comment on column bksb.person_result.level_code is 'Our reading: PRE, E1, E2, E3, L1, L2 or L3. Null if no level.';
comment on column bksb.person_result.level_order is 'The level as a number, 0 (PRE) to 6 (L3).';
comment on column bksb.person_result.percent is 'Our reading as a percentage, if it is one.';
comment on column bksb.person_result.completed_at is 'When the person completed it. Null if we cannot read the date.';
comment on column bksb.person_result.missing_since is 'Always null here: missing results are left out.';

comment on view bksb.latest_result is
'The latest result of each person, subject and kind of assessment. In a V5 session the weakest component counts.';
comment on column bksb.latest_result.person_id is 'The person.';
comment on column bksb.latest_result.subject is 'Our name of the subject.';
comment on column bksb.latest_result.assessment_kind is 'initial or diagnostic.';
comment on column bksb.latest_result.source is 'initial, diagnostic or v5.';
comment on column bksb.latest_result.session_id is 'Key of the session in bksb.';
comment on column bksb.latest_result.component is 'The component of a V5 session that counts, else empty.';
comment on column bksb.latest_result.assessment_name is 'Name of the assessment.';
comment on column bksb.latest_result.result_raw is 'The result in the words of bksb.';
comment on column bksb.latest_result.level_code is 'Our reading: PRE, E1, E2, E3, L1, L2 or L3. Null if no level.';
comment on column bksb.latest_result.level_order is 'The level as a number, 0 (PRE) to 6 (L3).';
comment on column bksb.latest_result.percent is 'Our reading as a percentage, if it is one.';
comment on column bksb.latest_result.completed_at is 'When the person completed it.';
