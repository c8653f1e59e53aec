#!/usr/bin/env bash
# prefect 3.8.8: an ordinary restart of the server blocks a deployment with a concurrency limit for good.
#
# Slots in use are counted in the database, the leases that hold them are kept in memory (the default of
# PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE). After a restart nobody knows the lease: the run that still
# works is refused when it renews it, and the slot of a run that died is never freed, so that a
# deployment with `collision_strategy: CANCEL_NEW` cancels every later run, however long one waits.
# With prefect.server.concurrency.lease_storage.filesystem the lease is renewed.
#
# Seen (Python 3.11):
#   memory:     renewing the lease of the run that works: 410
#   memory:     the next run: CANCELLED, after 300 s and more: CANCELLED (here: not waited for)
#   filesystem: renewing the lease of the run that works: 204
# Exits with 1 if that changes. Takes some two minutes.
set -euo pipefail
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    "prefect==3.8.8" "fastapi==0.150.0" "sqlalchemy==2.0.58"

export DO_NOT_TRACK=true PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_CLI_PROMPT=false
export PREFECT_SERVER_UI_ENABLED=false PREFECT_LOGGING_LEVEL=ERROR
port=$("$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
api="http://127.0.0.1:$port/api"

start() {
    "$work/venv/bin/prefect" server start --host 127.0.0.1 --port "$port" >>"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 240); do
        if "$work/venv/bin/python" -c "import urllib.request; urllib.request.urlopen('$api/health', timeout=2)" 2>/dev/null; then return; fi
        sleep 0.5
    done
    cat "$work/server.log"; exit 2
}
stop() { kill "$server"; wait "$server" || true; server=; }

cat >"$work/ask.py" <<'PY'
"""begin API: a run takes the only slot and works; its lease's id is printed. renew API LEASE. next API."""
import json, sys, time, urllib.error, urllib.request

def ask(path, body):
    headers = {"Content-Type": "application/json", "User-Agent": "prefect/3.8.8 (API 0.8.4)"}
    request = urllib.request.Request(f"{api}/{path}", json.dumps(body).encode(), headers)
    for tries_left in reversed(range(60)):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != 503 or not tries_left:  # its own client asks again too: SQLite is busy
                raise
            time.sleep(1)

action, api, *rest = sys.argv[1:]
if action == "renew":
    try:
        print(ask(f"v2/concurrency_limits/leases/{rest[0]}/renew", {"lease_duration": 300})[0])
    except urllib.error.HTTPError as error:
        print(error.code)
else:
    flow = ask("flows/", {"name": "quiet"})[1]["id"]
    limit = {"concurrency_limit": 1, "concurrency_options": {"collision_strategy": "CANCEL_NEW"}}
    deployment = ask("deployments/", {"name": "one", "flow_id": flow, **limit})[1]["id"]
    run = ask(f"deployments/{deployment}/create_flow_run", {})[1]["id"]
    for state in ["PENDING"] + ["RUNNING"] * (action == "begin"):
        answer = ask(f"flow_runs/{run}/set_state", {"state": {"type": state}})[1]["state"]
    print(answer["state_details"]["deployment_concurrency_lease_id"] if action == "begin" else answer["type"])
PY
ask() { "$work/venv/bin/python" "$work/ask.py" "$@"; }

is_as_seen=0
for storage in memory filesystem; do
    export PREFECT_HOME="$work/$storage"
    export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="prefect.server.concurrency.lease_storage.$storage"
    start; lease=$(ask begin "$api"); stop
    start; renewed=$(ask renew "$api" "$lease")
    echo "$storage: renewing the lease of the run that works: $renewed"
    next=$(ask next "$api"); echo "$storage: the next run: $next"
    stop
    case "$storage $renewed $next" in
        "memory 410 CANCELLED" | "filesystem 204 CANCELLED") ;;
        *) is_as_seen=1 ;;
    esac
done
exit "$is_as_seen"
