#!/usr/bin/env bash
# Runs redis-server; arguments alone go to it. Clients from other pods are let in,
# as the official image does.
set -euo pipefail
case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then exec setpriv --reuid=redis --regid=redis --init-groups -- "$@"; fi
fi
exec "$@"
