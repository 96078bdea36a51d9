-- Purpose: list the runs that planned or were decided since a moment, the oldest first.
-- Parameters: since (timestamptz): the start of the runs that the report covers.
-- Result: creations, reasons (empty: no question was asked), outcome.
-- Safe to repeat: yes; it only reads.
select
    creations,
    reasons,
    outcome
from bksb.approval
where planned_at >= %(since)s or decided_at >= %(since)s
order by planned_at;
