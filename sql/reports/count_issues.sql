-- Purpose: count the open issues by code.
-- Result: code, issues; the most frequent first.
-- Safe to repeat: yes; it only reads.
select
    code,
    count(*) as issues
from bksb.issue
where resolved_at is null
group by code
order by issues desc, code;
