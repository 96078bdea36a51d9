-- Purpose: which runs asked a person before they acted, why, and what became of it.
-- Parameters: since (timestamptz), the start of the runs that the report is about.
-- Result: creations, reasons (none: nobody was asked), outcome; a run planned or decided since then, the oldest first.
-- Safe to repeat: yes; reads only.
select
    creations,
    reasons,
    outcome
from bksb.approval
where planned_at >= %(since)s or decided_at >= %(since)s
order by planned_at;
