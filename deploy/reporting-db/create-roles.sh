#!/bin/sh
# Makes the owner of the reporting tables, and the roles that the DAGs and the reports log in as.
# PostgreSQL's image runs this once, while its data folder is empty.
set -eu
# psql reads the passwords from their files: an argument would show them to every user of the host, and the server would
# write a failed statement into its log
psql -v ON_ERROR_STOP=1 -X -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
\set owner `cat /run/secrets/reporting_owner_password`
\set writer `cat /run/secrets/reporting_writer_password`
\set reader `cat /run/secrets/reporting_reader_password`
set log_min_error_statement = panic;
create role bksb_owner login password :'owner';
create role bksb_writer login password :'writer';
create role bksb_reader login password :'reader';
alter database reporting owner to bksb_owner;
revoke all on database reporting from public;
grant connect, temporary on database reporting to bksb_writer;
grant connect on database reporting to bksb_reader;
SQL
