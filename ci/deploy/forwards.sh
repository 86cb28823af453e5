# Port forwards of the platform's services to this machine, each known by its pid: sourced.
forwards=.cache/deploy

forward() {
  mkdir -p "$forwards"
  end_forwards
  local service port
  for service in frontend-service:3000 backend-service:8000 postgres:5432 redis:6379; do
    port=${service#*:}
    nohup kubectl port-forward -n understudy "service/${service%:*}" "$port:$port" >"$forwards/$port.log" 2>&1 </dev/null &
    echo $! >"$forwards/$port.pid"
  done
  for port in 3000 8000 5432 6379; do listens "$port" || failed=yes; done
  [ -z "${failed:-}" ] || { echo "deploy: the platform stands; free these ports and run this again, or use FORWARD=off" >&2; return 1; }
  echo "deploy: http://localhost:3000 (dashboard), http://localhost:8000 (API, /docs), PostgreSQL 5432, Redis 6379"
}

# listens waits until a port's forward is open, and says why where it ends instead.
listens() {
  until grep -q '^Forwarding from' "$forwards/$1.log"; do
    if ! kill -0 "$(cat "$forwards/$1.pid")" 2>/dev/null; then
      echo "deploy: port $1 cannot be forwarded: $(tail -n 1 "$forwards/$1.log")" >&2
      return 1
    fi
    sleep 0.1
  done
}

end_forwards() {
  local file pid
  for file in "$forwards"/*.pid; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    # Ours only: a pid may have been given to somebody else since.
    if grep -qs port-forward "/proc/$pid/cmdline" || ps -p "$pid" -o args= 2>/dev/null | grep -q port-forward; then kill "$pid" 2>/dev/null || true; fi
    rm -f "$file"
  done
}
