-- Purpose: describe the tables and functions of summaries in the database.
-- Safe to repeat: yes.
comment on table bksb.skill_summary is
'A person and subject: latest, best and starting level, and latest diagnostic. Results that are missing do not count.';
comment on column bksb.skill_summary.person_id is 'The person.';
comment on column bksb.skill_summary.subject is 'The subject.';
comment on column bksb.skill_summary.latest_level_code is 'Level of the latest initial result that has one.';
comment on column bksb.skill_summary.latest_level_order is 'That level as a number, 0 (PRE) to 6 (L3).';
comment on column bksb.skill_summary.latest_at is 'When the person completed that result.';
comment on column bksb.skill_summary.best_level_code is 'The highest level of all initial results.';
comment on column bksb.skill_summary.best_level_order is 'That level as a number.';
comment on column bksb.skill_summary.starting_level_code is
'Level of the first initial result from starting_point_days before the programme began. '
'For applicants: of the first ever.';
comment on column bksb.skill_summary.starting_level_order is 'That level as a number.';
comment on column bksb.skill_summary.starting_at is 'When the person completed that result.';
comment on column bksb.skill_summary.latest_diagnostic_percent is 'Percentage of the latest diagnostic that has one.';
comment on column bksb.skill_summary.last_assessed_at is 'When the person last completed anything in this subject.';

comment on table bksb.daily_activity is 'What was completed on a day, by subject, kind and level. Holds only counts.';
comment on column bksb.daily_activity.day is 'The date in the time zone of the site.';
comment on column bksb.daily_activity.subject is 'The subject.';
comment on column bksb.daily_activity.assessment_kind is 'initial or diagnostic.';
comment on column bksb.daily_activity.level_code is 'The level, or empty for results without one.';
comment on column bksb.daily_activity.results is 'How many results.';
comment on column bksb.daily_activity.learners is 'How many different people.';

comment on table bksb.summary_rebuild_due is
'Each row asks the next publication to rebuild a summary from all results, which then deletes the row. '
'Triggers write it; insert a row to ask for a rebuild yourself. Not for readers.';
comment on column bksb.summary_rebuild_due.table_name is 'skill_summary or daily_activity.';
comment on column bksb.summary_rebuild_due.due_at is 'When the row was written.';

comment on table bksb.summary_rebuild is
'When each summary was last rebuilt from all results, and with which settings. Other settings make it due again.';
comment on column bksb.summary_rebuild.table_name is 'skill_summary or daily_activity.';
comment on column bksb.summary_rebuild.counted_at is 'When it was last rebuilt from all results.';
comment on column bksb.summary_rebuild.zone is 'The time zone of that rebuild.';
comment on column bksb.summary_rebuild.starting_point_days is
'The setting starting_point_days of that rebuild.';

comment on function bksb.skill_level_on(date, text) is
'The level of each person and subject at the end of a day, as known today. '
'The second argument is a time zone, if not that of the site.';
comment on function bksb.mark_summary_rebuild() is
'Trigger function: records in summary_rebuild_due that the named summaries have to be rebuilt.';
