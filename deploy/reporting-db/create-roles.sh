#!/bin/sh
# Makes the owner of the reporting tables, and the roles that the DAGs and the reports log in as.
# PostgreSQL's image runs this once, while its data folder is empty.
set -eu
password() { # NAME
    cat "/run/secrets/$1"
}
psql -v ON_ERROR_STOP=1 -X -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -v owner="$(password reporting_owner_password)" \
    -v writer="$(password reporting_writer_password)" \
    -v reader="$(password reporting_reader_password)" <<'SQL'
create role bksb_owner login password :'owner';
create role bksb_writer login password :'writer';
create role bksb_reader login password :'reader';
alter database reporting owner to bksb_owner;
revoke all on database reporting from public;
grant connect, temporary on database reporting to bksb_writer;
grant connect on database reporting to bksb_reader;
SQL
