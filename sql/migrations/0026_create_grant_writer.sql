-- Purpose: give a role what the DAGs need: rows of every table, never a table itself.
-- Parameters: role_name, an existing role.
-- Safe to repeat: yes.
create or replace function bksb.grant_writer(role_name text)
returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema bksb to %I', role_name);
    execute format('grant select, insert, update, delete on all tables in schema bksb to %I', role_name);
    execute format('revoke insert, update, delete on bksb.schema_migration from %I', role_name);
end
$$;
