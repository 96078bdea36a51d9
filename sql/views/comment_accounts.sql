-- Purpose: describe the tables and views of accounts in the database.
-- Safe to repeat: yes.
comment on table bksb.account is 'The bksb account of a person, or the state of its creation.';
comment on column bksb.account.person_id is 'The person in the MIS.';
comment on column bksb.account.username is 'Username in bksb.';
comment on column bksb.account.bksb_user_id is 'Key of the user in bksb. Null until bksb has confirmed the account.';
comment on column bksb.account.state is
'pending: planned. creating: sent to bksb, not yet confirmed. active: bksb has it. '
'stale: bksb no longer has this user under this username. blocked: nothing can be done now, see issue.';
comment on column bksb.account.origin is
'created: by us. linked: bksb already had the username that the MIS stores or proposes. '
'imported: by import-accounts or relink. Null before there is an account.';
comment on column bksb.account.created_at is 'When we created the account in bksb. Null if we did not.';
comment on column bksb.account.linked_at is 'When the account was given to the person.';
comment on column bksb.account.invited_at is 'When the mail server last accepted an invitation. Reminders not counted.';
comment on column bksb.account.checked_at is 'When we last asked bksb about the username.';

comment on table bksb.account_link is 'Which person had which bksb user, and when. Rows stay as history.';
comment on column bksb.account_link.person_id is 'The person.';
comment on column bksb.account_link.bksb_user_id is 'The bksb user.';
comment on column bksb.account_link.from_at is 'When the link began.';
comment on column bksb.account_link.to_at is 'When the link ended. Null: it still holds.';
comment on column bksb.account_link.withdrawn_at is
'When relink marked the link as wrong. Its results do not count for the person. Null: the link is not in doubt.';

comment on table bksb.initial_password is
'The password setting under which we created an account. A message names a password only if the setting is the same. '
'Not for readers.';
comment on column bksb.initial_password.person_id is 'The person, as in account.';
comment on column bksb.initial_password.setting_digest is
'Four digits made from the setting, too few to prove a guess. '
'Null: the creation began under one setting and ended under another, so we do not know which one bksb took.';

comment on table bksb.planned_action is
'What a run plans for a person, or why it can do nothing. Dry runs write it too. Deleted after 60 days.';
comment on column bksb.planned_action.dag_id is 'The DAG. bksb_results plans too: it links usernames from the MIS.';
comment on column bksb.planned_action.run_id is 'The run.';
comment on column bksb.planned_action.person_id is 'The person.';
comment on column bksb.planned_action.action is
'link, create or check an account; transfer: an applicant became a learner, so their account moves; '
'blocked: nothing can be done.';
comment on column bksb.planned_action.reason is 'Why. For blocked: the issue codes.';
comment on column bksb.planned_action.username is 'The username to link, create or check. Null for other actions.';
comment on column bksb.planned_action.planned_at is 'When the run made this plan.';

comment on view bksb.latest_plan is
'The plan of the run of bksb_accounts that planned last, dry run or not. '
'A run that plans nothing writes no rows: the plan before it then stays here.';
comment on column bksb.latest_plan.run_id is 'The run.';
comment on column bksb.latest_plan.planned_at is 'When the run made this plan.';
comment on column bksb.latest_plan.person_id is 'The person.';
comment on column bksb.latest_plan.action is 'What to do for them, as in planned_action.';
comment on column bksb.latest_plan.reason is 'Why. For blocked: the issue codes.';
comment on column bksb.latest_plan.username is 'The username to link, create or check. Null for other actions.';

comment on table bksb.approval is
'The plan of a run of bksb_accounts: whether staff had to approve it, and the outcome. Dry runs are not here. '
'Airflow knows who answered. Not for readers.';
comment on column bksb.approval.dag_id is 'The DAG.';
comment on column bksb.approval.run_id is 'The run.';
comment on column bksb.approval.planned_at is 'When the run made its plan.';
comment on column bksb.approval.people is 'How many people the MIS listed.';
comment on column bksb.approval.creations is 'How many accounts the run would create.';
comment on column bksb.approval.reasons is 'Why staff have to approve the run. Empty: they do not have to.';
comment on column bksb.approval.outcome is
'waiting: for an answer. approved. rejected: a no, or no answer in time. not_asked: went ahead without a question. '
'failed: before it went ahead.';
comment on column bksb.approval.decided_at is 'When the outcome was settled. Null while waiting.';
comment on column bksb.approval.about_everybody is
'False: the run was for named people, so approving it was not the first approval for everyone.';

comment on view bksb.unmatched is
'People and accounts without a counterpart: eligible people without an active account, '
'and accounts without an eligible person.';
comment on column bksb.unmatched.side is 'learner without account, or account without eligible learner.';
comment on column bksb.unmatched.person_id is 'The person.';
comment on column bksb.unmatched.person_kind is 'learner or applicant. Null if no run has recorded the person.';
comment on column bksb.unmatched.account_state is 'State of the account, as in account. unknown: there is no account.';
comment on column bksb.unmatched.username is 'Username in bksb, if there is one.';
comment on column bksb.unmatched.issues is 'Codes of the open issues of the person, separated by commas.';

comment on view bksb.account_for_mis is 'The username of each active account, for the MIS to store.';
comment on column bksb.account_for_mis.person_id is 'The person in the MIS.';
comment on column bksb.account_for_mis.username is 'Their username in bksb.';
