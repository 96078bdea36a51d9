-- Purpose: grant a reading role its rights.
-- Parameters: role.
-- Safe to repeat: yes.
select bksb.grant_reader(%(role)s);
