#!/bin/sh
# Runs once, when the cluster is made: a role for each program, none of them a superuser, and the
# databases of Temporal. Passwords are read by psql itself, so that no process list shows them.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set owner `cat "${SECRETS_DIR:-/run/secrets}/owner_password"`
\set app `cat "${SECRETS_DIR:-/run/secrets}/app_password"`
\set temporal `cat "${SECRETS_DIR:-/run/secrets}/temporal_password"`
CREATE ROLE greenlight LOGIN PASSWORD :'owner';
CREATE ROLE greenlight_app LOGIN PASSWORD :'app';
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
ALTER DATABASE :"DBNAME" OWNER TO greenlight;
REVOKE CONNECT ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO greenlight_app;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
