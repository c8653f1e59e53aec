"""A server, a worker and runs that are killed in some order, come back, and are watched."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

import psutil
import requests

from mmpipeline.storage import DataLayout
from tasks.servers.prefect import OUTLIVES, quiet_environment, wait_until_ready
from tests.flows.conftest import ROOT, environment
from tests.flows.live_server import PATIENCE_S, runs_of, wait_until

Part = Literal["server", "worker", "run"]
Order = tuple[signal.Signals, tuple[Part, ...]]

ORDERS: list[Order] = [
    (how, parts)
    for how in (signal.SIGKILL, signal.SIGTERM)
    for parts in permutations(("server", "worker", "run"))
]
FLOW = """
import time
from prefect import flow

@flow
def quiet(seconds: float) -> None:
    time.sleep(seconds)
"""
EVERY_S = 20
SELDOM_S = 120  # of the orphaned one: what waits for its slot all starts before it
BETWEEN_KILLS_S = 5
ENDLESS_S = 3600.0
LIVES_S = 270.0  # a lease is renewed after 225 s: this run must do it at the server that came back
STRATEGIES = {
    "dropping": "CANCEL_NEW",  # its run is killed
    "queueing": "ENQUEUE",  # its run is killed
    "living": "CANCEL_NEW",  # its run lives through all of it
    "orphaned": "ENQUEUE",  # its run was taken by a worker that died before it started it
}
KILLED = ("dropping", "queueing")


class Site:
    """One data folder with a server and a worker of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.layout = DataLayout.at(folder / "data")
        self.api = f"http://127.0.0.1:{port}/api"
        self.environment = {
            **environment(self.layout.root),
            **quiet_environment(self.layout.root),
            "PREFECT_API_URL": self.api,
        }
        self.port = port
        self.children: dict[Part, subprocess.Popen[bytes]] = {}

    def start(self, part: Part) -> None:
        """Start the server as `make ui` does, or the worker as `make worker` does."""
        command = {
            "server": ("tasks.servers.prefect", str(self.port), OUTLIVES),
            "worker": ("prefect", "worker", "start", "--pool", "local", "--name", "mmpipeline"),
        }[part]
        log = self.folder / f"{part}.log"
        with log.open("ab") as output:
            self.children[part] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if part == "server":
            wait_until_ready(f"{self.api}/health", self.children[part], log)

    def stop(self, part: Part, how: signal.Signals) -> None:
        """End the server or the worker by a signal; a process worker takes two to obey."""
        child = self.children[part]
        for _ in range(2):
            child.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=BETWEEN_KILLS_S)
                return
        child.kill()
        child.wait()

    def processes(self, run: str | None = None) -> list[psutil.Process]:
        """Return the processes of one run, or of all that belong to this site."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                variables = process.environ()
                is_ours = variables.get("PREFECT_API_URL") == self.api
                if is_ours and run in {None, variables.get("PREFECT__FLOW_RUN_ID")}:
                    found.append(process)
        return found

    def ask(self, path: str, body: object) -> dict[str, Any]:
        answer = requests.post(f"{self.api}/{path}", json=body, timeout=PATIENCE_S)
        answer.raise_for_status()
        return dict(answer.json())

    def state(self, run: str) -> str:
        found = requests.get(f"{self.api}/flow_runs/{run}", timeout=PATIENCE_S).json()
        return str(found["state_type"])


@contextmanager
def site(folder: Path, port: int) -> Iterator[Site]:
    """Yield a site whose deployments each have one run on the way; leave nothing running."""
    folder.mkdir(parents=True)
    (folder / "quiet.py").write_text(FLOW)
    place = Site(folder, port)
    place.layout.state.mkdir(parents=True)
    try:
        place.start("server")
        place.ask("work_pools/", {"name": "local", "type": "process"})
        place.start("worker")
        yield place
    finally:
        for process in place.processes():
            with suppress(psutil.Error):
                process.kill()
        for child in place.children.values():
            child.wait()


def deploy(place: Site) -> dict[str, str]:
    """Make the deployments, with schedules; return their ids by name."""
    flow = place.ask("flows/", {"name": "quiet"})["id"]
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(place.folder)}}
    due = datetime.now(UTC) + timedelta(seconds=5)
    made = {}
    for name, strategy in STRATEGIES.items():
        every_s = SELDOM_S if name == "orphaned" else EVERY_S
        schedule = {"interval": every_s, "anchor_date": due.isoformat()}
        seconds = ENDLESS_S if name in KILLED else LIVES_S if name == "living" else 1.0
        made[name] = place.ask(
            "deployments/",
            {
                "name": name,
                "flow_id": flow,
                "work_pool_name": "local",
                "path": str(place.folder),
                "entrypoint": "quiet.py:quiet",
                "pull_steps": [step],
                "parameters": {"seconds": seconds},
                "concurrency_limit": 1,
                "concurrency_options": {"collision_strategy": strategy},
                "schedules": [{"schedule": schedule, "active": name != "orphaned"}],
            },
        )["id"]
    return made


def orphan(place: Site, deployment: str) -> str:
    """Take a run as a worker does first of all, and do no more; then let others become due."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": later}}
    run = place.ask(f"deployments/{deployment}/create_flow_run", {"state": state})["id"]
    answer = place.ask(f"flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})
    assert answer["status"] == "ACCEPT", answer
    switch(place, deployment, active=True)
    return str(run)


def switch(place: Site, deployment: str, *, active: bool) -> None:
    """Switch a deployment's schedule; off also removes the runs that it made and nobody took."""
    schedules = f"{place.api}/deployments/{deployment}/schedules"
    (schedule,) = requests.get(schedules, timeout=PATIENCE_S).json()
    requests.patch(
        f"{schedules}/{schedule['id']}", json={"active": active}, timeout=PATIENCE_S
    ).raise_for_status()


def running(place: Site, name: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the runs of a deployment that have begun, without known ones."""
    begun = {"RUNNING", "COMPLETED"}
    runs = runs_of(place.api, name)
    return [one["id"] for one in runs if one["state_type"] in begun and one["id"] not in known]


def kill_in_order(place: Site, order: Order, victims: list[str]) -> None:
    how, parts = order
    for part in parts:
        if part == "run":
            for process in [p for run in victims for p in place.processes(run)]:
                with suppress(psutil.Error):
                    process.send_signal(how)
        else:
            place.stop(part, how)
        time.sleep(BETWEEN_KILLS_S)
    for process in [p for run in victims for p in place.processes(run)]:
        with suppress(psutil.Error):  # one that cannot tell the server that it was asked to end
            process.kill()


def watch(place: Site, known: frozenset[str], patience_s: float) -> dict[str, float]:
    """Return the seconds until the next run of each deployment began."""
    began, seconds = time.monotonic(), {}
    while len(seconds) < len(STRATEGIES) and time.monotonic() - began < patience_s:
        for name in STRATEGIES.keys() - seconds.keys():
            if running(place, name, known):
                seconds[name] = round(time.monotonic() - began, 1)
        time.sleep(1)
    return seconds


def kill_and_watch(folder: Path, port: int, order: Order, patience_s: float) -> dict[str, Any]:
    """Kill in one order; return when the next runs began, and what became of the ones before."""
    with site(folder, port) as place:
        deployments = deploy(place)
        at_work = [name for name in STRATEGIES if name != "orphaned"]
        assert wait_until(lambda: all(running(place, name) for name in at_work), 240)
        first = {name: running(place, name)[0] for name in at_work}
        first["orphaned"] = orphan(place, deployments["orphaned"])
        kill_in_order(place, order, [first[name] for name in KILLED])
        place.start("server")
        place.start("worker")
        seconds = watch(place, frozenset(first.values()), patience_s)
        switch(place, deployments["orphaned"], active=False)  # others would go before it
        wait_until(lambda: place.state(first["orphaned"]) == "COMPLETED", 300)
        how, parts = order
        return {
            "order": f"{how.name}: {', '.join(parts)}",
            "seconds_to_next_run": seconds,
            "became": {name: place.state(run) for name, run in first.items()},
        }
