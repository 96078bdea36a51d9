-- Purpose: say in the database what the tables and functions of figures hold.
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
'Level of the first initial result that counts as the start: from starting_point_days before the programme began, '
'or ever for applicants.';
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
'Each row asks the next publication to make a summary again from all results, and goes when that is done. '
'Triggers write it; insert a row to ask for it yourself. Not for readers.';
comment on column bksb.summary_rebuild_due.table_name is 'skill_summary or daily_activity.';
comment on column bksb.summary_rebuild_due.due_at is 'When the row was written.';

comment on table bksb.summary_rebuild is
'When each summary was last made from all results, and with which settings. Other settings make it due again.';
comment on column bksb.summary_rebuild.table_name is 'skill_summary or daily_activity.';
comment on column bksb.summary_rebuild.counted_at is 'When it was last made from all results.';
comment on column bksb.summary_rebuild.zone is 'The time zone it was made with.';
comment on column bksb.summary_rebuild.starting_point_days is
'The days before a programme in which a first result counts as the starting point, as set at the time.';

comment on function bksb.skill_level_on(date, text) is
'The level of each person and subject at the end of a day, as known today. '
'The second argument is a time zone, if not that of the site.';
comment on function bksb.mark_summary_rebuild() is
'For triggers: notes in summary_rebuild_due that the summaries named have to be made again.';
