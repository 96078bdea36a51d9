"""Invitations and reminders: tells each person once about the account that was created for them."""

from bksb.jobs.invitations.outbox import count_invitations
from bksb.jobs.invitations.sending import require_resend_allowed, send_invitations

__all__ = ["count_invitations", "require_resend_allowed", "send_invitations"]
