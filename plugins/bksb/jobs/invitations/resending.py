"""Finds the people whose invitation a person has asked to be sent again, and says who cannot get it."""

from __future__ import annotations

import logging
from collections.abc import Collection

from bksb.jobs.invitations.due import DueMessage
from bksb.jobs.invitations.eligible import Eligible
from bksb.jobs.invitations.outbox import Outbox
from bksb.model import Run

log = logging.getLogger(__name__)


def find_resends(outbox: Outbox, run: Run, eligible: Eligible) -> list[DueMessage]:
    """The messages to send again; once each, however often the task is tried."""
    asked = outbox.reinvitations()
    ours = {one.person_id for one in asked if one.made_here and one.person_id in eligible.people}
    _warn(
        [person_id for person_id in run.person_ids if person_id not in ours],
        "are not eligible now, or have no active account that was created here, so there is no password to send",
    )
    _warn(
        sorted(person_id for person_id in ours if eligible.obstacle(eligible.people[person_id])),
        "have no usable e-mail address of their own in the MIS, so nothing is sent to them; correct it and ask again",
    )
    changed = {one.person_id for one in asked if one.password_changed} & ours
    _warn(
        sorted(changed),
        "have accounts that were created under another password setting than today's, so nothing is sent to them: put "
        "the setting back and ask again, or give them a password in bksb and tell them",
    )
    return [
        DueMessage(one.person_id, one.username, "resend")
        for one in asked
        if one.person_id in ours - changed and not one.asked_before
    ]


def _warn(person_ids: Collection[str], reason: str) -> None:
    if person_ids:
        log.warning("%d of the named people %s: %s.", len(person_ids), reason, ", ".join(person_ids))
