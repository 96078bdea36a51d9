-- Purpose: give a role what the DAGs need: the rows of every table, and no right to change a table.
-- Parameters: role_name, an existing role.
-- Safe to repeat: yes.
create or replace function bksb.grant_writer(role_name text)
returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema bksb to %I', role_name);
    execute format('grant select, insert, update, delete on all tables in schema bksb to %I', role_name);
    -- for the temporary tables of a load; where the owner may not grant it, it is everybody's already, or is missed
    -- with a message that says so
    if has_database_privilege(current_user, current_database(), 'temporary with grant option') then
        execute format('grant temporary on database %I to %I', current_database(), role_name);
    end if;
    execute format('revoke insert, update, delete on bksb.schema_migration from %I', role_name);
end
$$;
