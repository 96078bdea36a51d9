-- Purpose: grant a role what the DAGs need.
-- Parameters: role.
-- Safe to repeat: yes.
select bksb.grant_writer(%(role)s);
