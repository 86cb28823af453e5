#!/usr/bin/env bash
# Makes a database on the first start, then runs the server. Knows POSTGRES_PASSWORD,
# POSTGRES_USER and POSTGRES_DB (each also as NAME_FILE), POSTGRES_INITDB_ARGS and PGDATA.
set -euo pipefail

from_file() {
  local file=$1_FILE
  [ -z "${!file:-}" ] || printf -v "$1" %s "$(<"${!file}")"
}
for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB; do from_file "$name"; done
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

[ "${1#-}" = "$1" ] || set -- postgres "$@"
if [ "$1" != postgres ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres: "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo "there is no database in $PGDATA, and POSTGRES_PASSWORD is not set: set it to make one" >&2
    exit 1
  fi
  mkdir -p "$PGDATA"
  # shellcheck disable=SC2086 # several arguments
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    echo "CREATE DATABASE \"$database\"" | postgres --single -D "$PGDATA" postgres >/dev/null
  fi
fi
unset POSTGRES_PASSWORD
exec "$@"
