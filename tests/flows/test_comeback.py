"""Leases over a restart of the Prefect server: living runs keep theirs, dead ones lose it.

Here the runs are set into their states by requests, as workers and runs send them, and a lease
grows old by its files. The soak kills real ones in every order, and waits for the next runs.
"""

import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import prefect
import pytest
import requests

from mmpipeline.storage import DataLayout
from tests.flows.kill_orders import KILLED, ORDERS, STRATEGIES, Order, kill_and_watch
from tests.flows.live_server import PATIENCE_S, wait_until
from tests.flows.test_server_restart import free_port, server

pytestmark = pytest.mark.flow

CLIENT = {"User-Agent": f"prefect/{prefect.__version__} (API 0.8.4)"}
"""Prefect takes leases away from clients that do not say that they know them."""


def ask(api: str, path: str, body: object) -> dict[str, Any]:
    answer = requests.post(f"{api}/{path}", json=body, headers=CLIENT, timeout=PATIENCE_S)
    answer.raise_for_status()
    return dict(answer.json())


def deploy(api: str, name: str, strategy: str) -> str:
    """Declare a deployment with one slot; return its id."""
    flow = ask(api, "flows/", {"name": "quiet"})["id"]
    slot = {"concurrency_limit": 1, "concurrency_options": {"collision_strategy": strategy}}
    return str(ask(api, "deployments/", {"name": name, "flow_id": flow, **slot})["id"])


def start(api: str, deployment: str, *states: str) -> str:
    """Start a run and take it into states one after another; return its id."""
    run = str(ask(api, f"deployments/{deployment}/create_flow_run", {})["id"])
    for state in states:
        answer = ask(api, f"flow_runs/{run}/set_state", {"state": {"type": state}})
        assert answer["status"] == "ACCEPT", answer
    return run


def read(api: str, run: str) -> dict[str, Any]:
    return dict(requests.get(f"{api}/flow_runs/{run}", timeout=PATIENCE_S).json())


def lease_of(api: str, run: str) -> str:
    return str(read(api, run)["state"]["state_details"]["deployment_concurrency_lease_id"])


def renew(api: str, lease: str) -> int:
    """Do what a living run does every few minutes; return the answer's status."""
    path = f"{api}/v2/concurrency_limits/leases/{lease}/renew"
    return requests.post(path, json={"lease_duration": 300}, timeout=PATIENCE_S).status_code


def leases_of(data_root: Path) -> Path:
    return DataLayout.at(data_root).state / "prefect" / "concurrency_leases"


def age(data_root: Path, lease: str) -> None:
    """Let a lease be as old as one that nobody has renewed for five minutes."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    for name, key in ((f"{lease}.json", "expiration"), ("expirations.json", lease)):
        path = leases_of(data_root) / name
        path.write_text(json.dumps({**json.loads(path.read_text()), key: past}))


def forget(data_root: Path, lease: str) -> None:
    """Leave a server's state as one that kept this lease in memory would."""
    (leases_of(data_root) / f"{lease}.json").unlink()
    index = leases_of(data_root) / "expirations.json"
    index.write_text(
        json.dumps({k: v for k, v in json.loads(index.read_text()).items() if k != lease})
    )


def use_slot(data_root: Path, deployment: str) -> None:
    """Leave a slot in use that no lease holds, as a kill between the two writes does."""
    path = DataLayout.at(data_root).state / "prefect" / "prefect.db"
    with closing(sqlite3.connect(path)) as store, store:
        query = "UPDATE concurrency_limit_v2 SET active_slots = 1 WHERE name = ?"
        assert store.execute(query, (f"deployment:{deployment}",)).rowcount == 1


def is_accepted(api: str, deployment: str) -> bool:
    """Start one more run of a deployment; return whether it got the slot."""
    run = str(ask(api, f"deployments/{deployment}/create_flow_run", {})["id"])
    answer = ask(api, f"flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})
    return bool(answer["status"] == "ACCEPT")


@pytest.mark.timeout(900)  # a busy machine is not a hang
def test_a_server_that_comes_back_knows_who_lives(tmp_path: Path) -> None:
    data_root, port = tmp_path / "data", free_port()
    api = f"http://127.0.0.1:{port}/api"
    with server(data_root, port):
        names = ("living", "dead", "forgotten", "stuck")
        deployed = {name: deploy(api, name, "CANCEL_NEW") for name in names}
        deployed["orphaned"] = deploy(api, "orphaned", "ENQUEUE")
        living, dead, forgotten = (start(api, deployed[n], "PENDING", "RUNNING") for n in names[:3])
        orphaned = start(api, deployed["orphaned"], "PENDING")  # its worker dies here
        remembered = lease_of(api, forgotten)
    forget(data_root, remembered)
    use_slot(data_root, deployed["stuck"])
    (leases_of(data_root) / "expirations.lock").write_text(str(os.getpid()))  # of one that lives
    with server(data_root, port):
        assert renew(api, lease_of(api, living)) == 204
        assert wait_until(lambda: renew(api, remembered) == 204, 60)
        assert wait_until(lambda: is_accepted(api, deployed["stuck"]), 60)
        for run in (dead, orphaned):
            age(data_root, lease_of(api, run))
        assert wait_until(lambda: read(api, dead)["state_type"] == "CRASHED", 120), read(api, dead)
        assert wait_until(lambda: read(api, orphaned)["state_type"] == "SCHEDULED", 120)
        assert is_accepted(api, deployed["dead"])
        assert is_accepted(api, deployed["orphaned"])
        assert not is_accepted(api, deployed["dead"])  # its slot was freed once
        assert not is_accepted(api, deployed["living"])
        assert {read(api, run)["state_type"] for run in (living, forgotten)} == {"RUNNING"}


SIX_MINUTES_S = 360.0
AT_ONCE = 3  # sites side by side: each has a server, a worker and five runs


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_every_deployment_goes_on_after_every_order_of_kills(tmp_path: Path) -> None:
    def go(numbered: tuple[int, Order]) -> dict[str, Any]:
        number, order = numbered
        told = kill_and_watch(tmp_path / str(number), free_port(), order, SIX_MINUTES_S)
        with (tmp_path / "notes").open("a") as notes:  # for whoever wonders how far it is
            notes.write(json.dumps(told) + "\n")
        return told

    with ThreadPoolExecutor(AT_ONCE) as sites:
        told = list(sites.map(go, enumerate(ORDERS)))
    assert len(told) == 12
    blocked = [one for one in told if one["seconds_to_next_run"].keys() != STRATEGIES.keys()]
    assert blocked == []
    for one_order in told:
        became = one_order["became"]
        assert all(became[name] in {"CRASHED", "FAILED", "CANCELLED"} for name in KILLED), one_order
        assert (became["living"], became["orphaned"]) == ("COMPLETED", "COMPLETED"), one_order
