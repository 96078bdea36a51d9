"""Invitations and reminders about the accounts that the sync created.

Each is sent once. Only if a crash or a lost connection hides whether it arrived, it is sent a second time.
"""

from bksb.jobs.invitations.outbox import count_invitations
from bksb.jobs.invitations.sending import require_resend_allowed, send_invitations

__all__ = ["count_invitations", "require_resend_allowed", "send_invitations"]
