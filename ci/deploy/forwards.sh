# Port forwards of the platform's services to this machine, each known by its pid: sourced.
forwards=.cache/deploy

forward() {
  mkdir -p "$forwards"
  end_forwards
  local service port
  for service in frontend-service:3000 backend-service:8000 postgres:5432 redis:6379; do
    port=${service#*:}
    setsid kubectl port-forward -n understudy "service/${service%:*}" "$port:$port" >"$forwards/$port.log" 2>&1 </dev/null &
    echo $! >"$forwards/$port.pid"
  done
  echo "deploy: http://localhost:3000 (dashboard), http://localhost:8000 (API, /docs), PostgreSQL 5432, Redis 6379"
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
