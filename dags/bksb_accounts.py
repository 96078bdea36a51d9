"""
Gives every eligible learner and applicant a bksb account, and sends invitations by e-mail.

**What it does.** Reads the eligible people from the MIS and plans an account for each person who has none. Looks up
each username in bksb, links an existing account or creates a new one, and invites the people who got a new account.
Reports everyone it cannot serve, with the reason. It never matches people by name or e-mail address.

1. `plan_accounts` reads the MIS and writes the plan to `bksb.planned_action`.
2. `approve_plan` asks staff for approval (*Required Actions*, and an e-mail to the addresses under `notify`). It asks
   before the first run that creates accounts, above `max_new_accounts`, and if the MIS lists less than half as many
   people as before. Otherwise it is skipped.
3. `record_plan` reads the MIS again, and records people and issues.
4. `apply_plan` looks up, links and creates accounts in bksb, and checks a seventh of the links each day.
5. `send_invitations` sends invitations and reminders.
6. `finish_accounts` closes the run in `bksb.sync_run`.

**Reads and writes.** Reads the MIS with `config/eligible_learners.sql`, and usernames from bksb. Writes accounts into
bksb (`createUser`), sends mail through the connection `smtp_default`, and writes these reporting tables: `learner`,
`learner_contact`, `account`, `account_link`, `initial_password`, `invitation`, `issue`, `approval`, `planned_action`,
`sync_run`, and `skill_summary` if a person's id changes. Runs at 07:30 London time, about today; backfills are refused.

**Running it again.** Always safe. A person who has an account is left alone. If a run broke off while it created an
account, the next run looks the username up first. A second run changes nothing.

**When it fails.** The last ERROR line of the red task's log says what to do. If bksb does not answer, the task is tried
again by itself. If bksb refuses one person, the others go on: see `bksb.issue`. A rejected run, or one without an
answer for 20 hours, ends well and does nothing. The next run asks again.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import CronTriggerTimetable, dag, task

from bksb.airflow import approval_notice, dag_support
from bksb.airflow.dag_support import optional


@dag(
    # no start date, and not "immediately": switching the DAG on does not start a run before the next morning
    schedule=CronTriggerTimetable("30 7 * * *", timezone="Europe/London", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "manual"],
    default_args=dag_support.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["bksb", "writes to bksb"],
    params={
        "dry_run": optional("boolean", False, "Dry run", "Plan only. Do not call bksb or send e-mails."),
        "person_ids": dag_support.person_ids(),
        "max_new_accounts": optional(
            "integer", 250, "Approval threshold", "A run with more new accounts than this needs approval.", minimum=0
        ),
        "invite": optional("boolean", True, "Send invitations", "If off, new accounts are invited only by a resend."),
        "resend_invitation": optional("boolean", False, "Invite again", "Invite the people named above once more."),
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
        subject="bksb_accounts needs your approval",
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
