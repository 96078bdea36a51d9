-- Purpose: grant a role what a reporting tool needs.
-- Parameters: role.
-- Safe to repeat: yes.
select bksb.grant_reader(%(role)s);
