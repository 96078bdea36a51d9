-- Purpose: create the table of applied migrations.
-- Safe to repeat: yes.
create table if not exists bksb.schema_migration (
    name text primary key,
    applied_at timestamptz not null default now()
);
