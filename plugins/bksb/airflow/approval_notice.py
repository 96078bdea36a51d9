"""Tells staff by e-mail that a run waits for their approval."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email.utils import make_msgid
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from bksb.mail.messages import Letter
    from bksb.mail.smtp import Mailer

log = logging.getLogger(__name__)

HTML = """\
<!DOCTYPE html>
<html lang="en">
<body style="font-family: Arial, sans-serif; font-size: 16px; line-height: 1.5; max-width: 40em; color: #222">
{question}<p>{answer}</p>
</body>
</html>
"""


class TellStaff(BaseNotifier):
    """Sends the question, with a link to the page for the answer, to each address under `notify` of the connection.

    The run waits for its answer even if no e-mail can be sent. Addresses are never logged.
    """

    def notify(self, context: Any) -> None:
        """Send one message to each address. A run that asks again, after it was cleared, sends again."""
        from bksb.airflow.hook import open_deployment
        from bksb.errors import BksbSyncError

        try:
            deployment = open_deployment()
            addresses = deployment.settings.notify
            if not addresses:
                log.warning("No e-mail was sent about this approval: enter addresses under notify (bksb connection).")
                return
            letter = write_letter(context["task"].subject, context["task"].body, find_page(context["ti"]))
            with deployment.open_mailer() as mailer:
                failures = [_send(mailer, address, letter) for address in addresses]
        except BksbSyncError as error:
            log.warning("No e-mail was sent about this approval: %s", error)
            return
        sent = failures.count(None)
        if sent == len(addresses):
            log.info("Sent an e-mail about this approval to %d addresses under notify.", sent)
        else:
            reasons = "; ".join(sorted({reason for reason in failures if reason}))
            log.warning(
                "Sent an e-mail about this approval to %d of the %d addresses under notify (bksb connection): %s",
                sent,
                len(addresses),
                reasons,
            )


def write_letter(subject: str, question: str, page: str | None) -> Letter:
    """Return the e-mail, as text and as HTML. `question` is Markdown; `page` is the URL to answer at, or None."""
    from bksb.mail.markdown import to_html, to_text
    from bksb.mail.messages import Letter

    where = "in Airflow, under Browse > Required Actions"
    link = escape(page or "")
    return Letter(
        subject,
        f"{to_text(question)}\n\nAnswer {f'here: {page}' if page else f'{where}.'}\n",
        HTML.format(
            question=to_html(question),
            answer=f'<a href="{link}">Answer in Airflow</a><br>{link}' if page else f"Answer {escape(where)}.",
        ),
    )


def _send(mailer: Mailer, address: str, letter: Letter) -> str | None:
    """Send the letter to one address. Return why the mail server did not accept it, or None if it did."""
    from bksb.errors import BksbSyncError
    from bksb.mail.messages import compose

    message_id = make_msgid(domain=mailer.domain)
    try:
        mailer.send(compose(letter, sender=mailer.sender, to=address, message_id=message_id, now=datetime.now(UTC)))
    except BksbSyncError as error:
        return str(error)
    return None


def find_page(ti: Any) -> str | None:
    """Return the URL of the approval page, or None if Airflow has no base_url."""
    # Airflow 3.3.2's own link drops the path of base_url, and fails if there is no base_url
    base_url = conf.get("api", "base_url", fallback=None)
    if not base_url:
        return None
    return f"{base_url.rstrip('/')}/dags/{ti.dag_id}/runs/{quote(ti.run_id)}/tasks/{ti.task_id}/required_actions"
