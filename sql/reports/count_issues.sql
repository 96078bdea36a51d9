-- Purpose: what stands in the way now, by kind of issue.
-- Parameters: none.
-- Result: code, issues (open ones); the most frequent first.
-- Safe to repeat: yes; reads only.
select
    code,
    count(*) as issues
from bksb.issue
where resolved_at is null
group by code
order by issues desc, code;
