-- Purpose: tell whether the mail server has accepted any message since a moment.
-- Parameters: since.
-- Result: one row: found.
-- Safe to repeat: yes; it only reads.
select exists(select 1 from bksb.invitation where sent_at >= %(since)s) as found;
