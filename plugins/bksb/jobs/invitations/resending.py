"""Finds the people to invite again on request, and warns about those who cannot be invited."""

from __future__ import annotations

import logging
from collections.abc import Collection

from bksb.jobs.invitations.due import DueMessage
from bksb.jobs.invitations.eligible import Eligible
from bksb.jobs.invitations.outbox import Outbox
from bksb.model import Run

log = logging.getLogger(__name__)


def find_resends(outbox: Outbox, run: Run, eligible: Eligible) -> list[DueMessage]:
    """List the messages to send again, each once even if the task is tried several times."""
    asked = outbox.reinvitations()
    ours = {one.person_id for one in asked if one.made_here and one.person_id in eligible.people}
    _warn(
        [person_id for person_id in run.person_ids if person_id not in ours],
        "they are not eligible now, or have no active account that the sync created, so there is no password to send",
    )
    _warn(
        sorted(person_id for person_id in ours if eligible.obstacle(eligible.people[person_id])),
        "they have no usable e-mail address of their own in the MIS; correct it and start the run again",
    )
    changed = {one.person_id for one in asked if one.password_changed} & ours
    _warn(
        sorted(changed),
        "the password setting was changed after their accounts were created; restore it and start the run again, or "
        "set passwords in bksb and tell the people",
    )
    return [
        DueMessage(one.person_id, one.username, "resend")
        for one in asked
        if one.person_id in ours - changed and not one.asked_before
    ]


def _warn(person_ids: Collection[str], reason: str) -> None:
    if person_ids:
        log.warning(
            "Nothing is sent to %d of the named people (%s): %s.", len(person_ids), ", ".join(person_ids), reason
        )
