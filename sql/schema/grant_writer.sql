-- Purpose: grant the DAGs' role its rights.
-- Parameters: role.
-- Safe to repeat: yes.
select bksb.grant_writer(%(role)s);
