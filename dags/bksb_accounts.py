"""
Gives every eligible learner and applicant a bksb account, and tells them.

**What it does.** Reads the eligible people from the MIS, works out who has no bksb account yet, looks
each proposed or stored username up in bksb, links the account that is there or creates the one that is
not, invites whom it created by e-mail, and lists everybody it could not serve with the reason. Nobody is
matched by name or e-mail. A seventh of the links is looked at again each day.

1. `plan_accounts` reads the MIS, decides, and writes the plan to `bksb.planned_action`.
2. `approve_plan` asks a person (*Required Actions*, and by e-mail who is named under `notify`): before the first run
   that creates, above `max_new_accounts`, and if the MIS lists less than half as many people as before. Or is skipped.
3. `record_plan` reads the MIS again, and records people and issues.
4. `apply_plan` (one task for each share of the people) looks up, links and creates in bksb.
5. `send_invitations` mails those whose account was created, and whom a person asked to be invited again.
6. `finish_accounts` counts and closes the run in `bksb.sync_run`.

**Reads and writes.** Reads the MIS through `config/eligible_learners.sql` and asks bksb for usernames.
Writes accounts into bksb (`createUser`), mail through the connection `smtp_default`, and, in the reporting
database, `learner`, `learner_contact`, `account`, `account_link`, `invitation`, `issue`, `approval`,
`planned_action` and `sync_run`. It is about *now*: 07:30 London time, never caught up, never backfilled.

**Running it again.** Always safe. Who has an account is left alone; an account whose creation broke off
is looked up before anything is sent; a second run changes nothing.

**When it fails.** The red task's log says what to do. *Key refused*: in bksb, Admin Options > API Access Keys. *MIS
query*: mend `config/eligible_learners.sql`; nothing was changed. *bksb did not answer*: the task tries again by
itself; clear it once bksb is back. One learner whom bksb refuses fails nobody else: `select * from bksb.issue where
resolved_at is null`. *Rejected* or unanswered for 20 hours: the run ends well, having done nothing; the next asks.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import CronTriggerTimetable, Param, dag, task

from bksb.airflow import approval_notice, dag_support


@dag(
    # without a start date, and never "immediately": switching the DAG on at night does not start a run at night
    schedule=CronTriggerTimetable("30 7 * * *", timezone="Europe/London", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "manual"],
    default_args=dag_support.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["bksb", "writes to bksb"],
    params={
        "dry_run": Param(False, type="boolean", title="Dry run", description="Plan only: call bksb not at all."),
        "person_ids": Param([], type="array", items={"type": "string"}, title="Only these people (person_id)"),
        "max_new_accounts": Param(
            250, type="integer", minimum=0, title="New accounts without asking", description="More wait for approval."
        ),
        "invite": Param(True, type="boolean", title="Invite", description="Off: never mail whom it creates."),
        "resend_invitation": Param(False, type="boolean", title="Invite the people named above once more"),
    },
)
def bksb_accounts():
    @task.short_circuit(ignore_downstream_trigger_rules=False, show_return_value_in_logs=False)
    def plan_accounts(dag_run=None, params=None) -> str:
        from bksb.jobs import accounts

        deployment = dag_support.open_deployment_or_skip()
        return accounts.plan_accounts(deployment, dag_support.make_run(dag_run, params, deployment))

    approve_plan = ApprovalOperator(
        task_id="approve_plan",
        subject="bksb_accounts: may these accounts be created?",
        body="{{ ti.xcom_pull(task_ids='plan_accounts') }}",
        response_timeout=timedelta(hours=20),
        execution_timeout=None,
        defaults=ApprovalOperator.REJECT,
        notifiers=approval_notice.TellStaff(),
        retries=1,
    )

    @task(trigger_rule="none_failed", show_return_value_in_logs=False)
    def record_plan(dag_run=None, params=None) -> list[list[int]]:
        from bksb.jobs import accounts

        deployment = dag_support.open_deployment_or_skip()
        return accounts.record_plan(deployment, dag_support.make_run(dag_run, params, deployment))

    @task(pool=dag_support.POOL, pool_slots=dag_support.POOL_SLOTS)
    def apply_plan(buckets: list[int], dag_run=None, params=None) -> None:
        from bksb.jobs import accounts

        deployment = dag_support.open_deployment_or_skip()
        accounts.apply_plan(deployment, dag_support.make_run(dag_run, params, deployment), buckets)

    @task(trigger_rule="none_failed_min_one_success")
    def send_invitations(dag_run=None, params=None) -> None:
        from bksb.jobs import invitations

        deployment = dag_support.open_deployment_or_skip()
        invitations.send_invitations(deployment, dag_support.make_run(dag_run, params, deployment))

    @task(trigger_rule="none_failed")
    def finish_accounts(dag_run=None, params=None) -> None:
        from bksb.jobs import accounts

        deployment = dag_support.open_deployment_or_skip()
        accounts.finish_accounts(deployment, dag_support.make_run(dag_run, params, deployment))

    recorded = record_plan()
    plan_accounts() >> approve_plan >> recorded
    [recorded, apply_plan.expand(buckets=recorded)] >> send_invitations() >> finish_accounts()


bksb_accounts()
