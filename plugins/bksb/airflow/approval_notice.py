"""Tells staff by e-mail that a run waits for their answer."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import make_msgid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from bksb.mail.smtp import Mailer

log = logging.getLogger(__name__)


class TellStaff(BaseNotifier):
    """Sends the question, and where to answer it, to each address under `notify` of the bksb connection.

    Whatever hinders that, the log says in one line, without any address, and the run waits all the same.
    """

    def notify(self, context: Any) -> None:
        """Sends one message to each address, at most once; a run whose question is asked again tells them again."""
        from bksb.airflow.hook import open_deployment
        from bksb.errors import BksbSyncError

        try:
            deployment = open_deployment()
            addresses = deployment.settings.notify
            if not addresses:
                log.warning("Nobody was told that this run waits: notify of the bksb connection names no address.")
                return
            with deployment.open_mailer() as mailer:
                hindrances = [_send(mailer, address, context) for address in addresses]
        except BksbSyncError as error:
            log.warning("Nobody was told by e-mail that this run waits: %s", error)
            return
        told = hindrances.count(None)
        if told == len(addresses):
            log.info("Told %d people under notify by e-mail that this run waits.", told)
        else:
            reasons = "; ".join(sorted({reason for reason in hindrances if reason}))
            log.warning(
                "Told %d of the %d people under notify of the bksb connection that this run waits: %s",
                told,
                len(addresses),
                reasons,
            )


def _send(mailer: Mailer, address: str, context: Any) -> str | None:
    """Hand over the message for one address; why the mail server has not taken it, or None."""
    from bksb.errors import BksbSyncError
    from bksb.mail.messages import Letter, compose

    task = context["task"]
    letter = Letter(task.subject, f"{task.body}\n\nAnswer here: {_page(context['ti'])}\n")
    message_id = make_msgid(domain=mailer.domain)
    try:
        mailer.send(compose(letter, sender=mailer.sender, to=address, message_id=message_id, now=datetime.now(UTC)))
    except BksbSyncError as error:
        return str(error)
    return None


def _page(ti: Any) -> str:
    """Where a person answers. Airflow 3.3.2's own link loses the path of base_url, and fails where none is set."""
    base_url = conf.get("api", "base_url", fallback=None)
    if not base_url:
        return "Browse > Required Actions in Airflow"
    return f"{base_url.rstrip('/')}/dags/{ti.dag_id}/runs/{quote(ti.run_id)}/tasks/{ti.task_id}/required_actions"
