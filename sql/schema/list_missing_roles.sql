-- Purpose: list the given roles that the server does not have.
-- Parameters: roles.
-- Result: role.
-- Safe to repeat: yes; it only reads.
select requested.role
from unnest(%(roles)s::text[]) as requested (role)
left join pg_catalog.pg_roles as existing on requested.role = existing.rolname
where existing.rolname is null
order by requested.role;
