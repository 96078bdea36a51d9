-- Purpose: grant a role what the DAGs need: the rows of every table, and no right to change a table.
-- Parameters: role_name: an existing role.
-- Safe to repeat: yes.
create or replace function bksb.grant_writer(role_name text)
returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema bksb to %I', role_name);
    execute format('grant select, insert, update, delete on all tables in schema bksb to %I', role_name);
    -- loads need temporary tables. Most roles may create them by default, so an owner without the right to grant this
    -- leaves it out; a run that lacks it fails with a message
    if has_database_privilege(current_user, current_database(), 'temporary with grant option') then
        execute format('grant temporary on database %I to %I', current_database(), role_name);
    end if;
    execute format('revoke insert, update, delete on bksb.schema_migration from %I', role_name);
end
$$;
