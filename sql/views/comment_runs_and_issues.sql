-- Purpose: describe the tables, views and functions of runs, issues and roles in the database.
-- Safe to repeat: yes.
comment on table bksb.sync_run is 'One attempt at a run of a DAG: how it went, and its figures.';
comment on column bksb.sync_run.dag_id is 'The DAG.';
comment on column bksb.sync_run.run_id is 'The run.';
comment on column bksb.sync_run.attempt is 'Number of the attempt. A cleared run gets a new one.';
comment on column bksb.sync_run.run_type is 'What started the run: scheduled, manual, backfill or reparse.';
comment on column bksb.sync_run.interval_start is 'Start of the period that the run covers. Null: now.';
comment on column bksb.sync_run.interval_end is 'End of that period.';
comment on column bksb.sync_run.started_at is 'When the attempt began.';
comment on column bksb.sync_run.finished_at is 'When it ended. Null while it runs.';
comment on column bksb.sync_run.state is 'running, success or failed.';
comment on column bksb.sync_run.counts is 'What the run found and did, as figures.';

comment on view bksb.unpublished_run is
'Runs of bksb_results whose results have not passed the checks yet. Every run checks them. '
'Not for readers.';
comment on column bksb.unpublished_run.run_id is 'The run.';

comment on table bksb.issue is 'Something that staff should look at. docs/tables.md says what to do. Never deleted.';
comment on column bksb.issue.id is 'Number of the issue.';
comment on column bksb.issue.code is 'What is wrong, as a code.';
comment on column bksb.issue.subject_key is 'What it is about: a person_id, or a text of bksb that we cannot read.';
comment on column bksb.issue.person_id is 'The person it is about. Null if it is about a text.';
comment on column bksb.issue.detail is 'More about it. Holds nothing personal beyond keys.';
comment on column bksb.issue.first_seen_at is 'When a run first found it.';
comment on column bksb.issue.last_seen_at is 'When a run last found it. Moves once a day, or when the detail changes.';
comment on column bksb.issue.resolved_at is 'When a run found that it no longer holds. Null: it is open.';

comment on table bksb.schema_migration is 'The migrations applied to this database. Not for readers.';
comment on column bksb.schema_migration.name is 'File in sql/migrations, without .sql.';
comment on column bksb.schema_migration.applied_at is 'When it was applied.';

comment on function bksb.grant_writer(text) is
'Grants a role what the DAGs need: to read and write the rows of every table, but not to change a table.';
comment on function bksb.grant_reader(text) is
'Grants a role what a reporting tool needs: no contact details, and no raw answers of bksb.';
