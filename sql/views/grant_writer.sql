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
    -- a load needs temporary tables. An owner without the right to grant that does not: most roles have it already,
    -- and a run of one that has not says so
    if has_database_privilege(current_user, current_database(), 'temporary with grant option') then
        execute format('grant temporary on database %I to %I', current_database(), role_name);
    end if;
    execute format('revoke insert, update, delete on bksb.schema_migration from %I', role_name);
end
$$;
