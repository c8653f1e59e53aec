"""`make deploy` over what an operator set in the meantime, on a real server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mmpipeline.storage import DataLayout
from tasks.servers.prefect import prefect_server, quiet_environment
from tests.flows.conftest import ROOT
from tests.flows.live_server import PATIENCE_S, deployments_of, run

pytestmark = [pytest.mark.flow, pytest.mark.timeout(900)]  # a busy machine is not a hang

PATIENT_S = 600

Served = tuple[str, dict[str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API and the environment of commands of a server that was deployed to once."""
    layout = DataLayout.at(tmp_path_factory.mktemp("redeployed") / "data")
    layout.state.mkdir(parents=True)
    with prefect_server(layout.root) as api:
        environment = {
            **os.environ,
            **quiet_environment(layout.root),
            "PREFECT_API_URL": api,
            "MMPIPELINE_DATA_ROOT": str(layout.root),
        }
        run(environment, "tasks.deployments", timeout_s=PATIENT_S)
        yield api, environment


def one(api: str, name: str) -> dict[str, Any]:
    (found,) = (d for d in deployments_of(api) if d["name"] == name)
    return found


def automations(api: str) -> list[dict[str, Any]]:
    found = requests.post(f"{api}/automations/filter", json={}, timeout=PATIENCE_S).json()
    return sorted(found, key=lambda automation: str(automation["name"]))


def patch(url: str, **body: object) -> None:
    requests.patch(url, json=body, timeout=PATIENCE_S).raise_for_status()


def switch(api: str, name: str, *, active: bool) -> None:
    """Do what the switch beside a deployment's schedule does."""
    deployment = one(api, name)
    (schedule,) = deployment["schedules"]
    patch(f"{api}/deployments/{deployment['id']}/schedules/{schedule['id']}", active=active)


def switches(api: str) -> dict[str, Any]:
    """Return everything that an operator can switch, with ids."""
    found: dict[str, Any] = {
        str(d["id"]): (d["paused"], sorted((s["id"], s["active"]) for s in d["schedules"]))
        for d in deployments_of(api)
    }
    return {**found, **{a["id"]: a["enabled"] for a in automations(api)}}


def test_deploying_again_keeps_what_the_operator_switched(served: Served) -> None:
    api, environment = served
    switch(api, "nightly", active=True)
    switch(api, "on-arrival", active=False)
    patch(f"{api}/deployments/{one(api, 'whole-road')['id']}", paused=True)
    patch(f"{api}/automations/{automations(api)[0]['id']}", enabled=False)
    before = switches(api)
    said = run(environment, "tasks.deployments", timeout_s=PATIENT_S)
    assert switches(api) == before
    assert "Nothing changed" in said
    assert "schedule nightly stays on" in said
    assert "schedule poll stays off" in said
    assert "stays paused" in said
    assert "automation after-new-data__automation_1 stays off" in said


def test_a_schedule_that_left_the_file_goes_and_one_without_slug_stays(served: Served) -> None:
    api, environment = served
    monthly = one(api, "monthly")
    for extra in ({"slug": "left-the-file"}, {}):
        cron = {"cron": "0 8 * * *", "timezone": "Asia/Seoul"}
        requests.post(
            f"{api}/deployments/{monthly['id']}/schedules",
            json=[{"schedule": cron, "active": True, **extra}],
            timeout=PATIENCE_S,
        ).raise_for_status()
    before = {s["slug"]: s["id"] for s in one(api, "monthly")["schedules"]}
    said = run(environment, "tasks.deployments", timeout_s=PATIENT_S)
    after = {s["slug"]: s["id"] for s in one(api, "monthly")["schedules"]}
    assert after == {slug: id_ for slug, id_ in before.items() if slug != "left-the-file"}
    assert "removed schedule left-the-file" in said
    assert "Nothing changed" not in said


@pytest.mark.soak  # changes only with Prefect's version, and takes as long as all others here
def test_what_prefects_own_command_deploys_is_the_same(served: Served) -> None:
    _, environment = served
    names = ("backfill", "after-release", "monthly")
    run(
        environment,
        "prefect",
        "--no-prompt",
        "deploy",
        *(f"-n={name}" for name in names),
        timeout_s=PATIENT_S,
    )
    said = run(environment, "tasks.deployments", timeout_s=PATIENT_S)
    changed = [line for line in said.splitlines() if "updated" in line or "created" in line]
    assert changed == []


def changed_file(path: Path) -> Path:
    """Write a prefect.yaml in which some things changed and one deployment is wrong."""
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    declared = {one["name"]: one for one in content["deployments"] if one["name"] != "on-demand"}
    declared["nightly"]["schedules"][0]["cron"] = "0 2 * * *"
    declared["backfill"]["schedules"].append({"cron": "0 3 * * *", "slug": "early"})
    declared["weekly"]["parameters"] = {"older_than_days": "not a number"}
    declared["after-release"]["triggers"] = []
    declared["after-new-data"]["triggers"][0]["match"] = {"prefect.resource.id": "recipe1m.*"}
    declared["whole-road"]["schedules"] = [{"interval": 3600, "slug": "nightly", "active": False}]
    declared["weekly-training"]["pull"] = []
    declared["backfill"]["pull"] = None  # as if it were left out
    declared["monthly"]["triggers"] = [{"posture": "Sometimes"}]
    declared["monthly"]["description"] = "Never seen, for its trigger is wrong."
    declared["weekly-training"]["description"] = "Another description."
    del declared["sample"]
    content["deployments"] = list(declared.values())
    path.write_text(yaml.safe_dump(content))
    return path


def deploy_file(environment: dict[str, str], file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tasks.deployments", "--prefect-file", str(file)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENT_S,
        check=False,
    )


def test_a_changed_file_with_a_fault_in_it(served: Served, tmp_path: Path) -> None:
    api, environment = served
    switch(api, "nightly", active=True)
    patch(f"{api}/automations/{automations(api)[0]['id']}", enabled=False)
    before = {name: one(api, name) for name in ("nightly", "weekly", "sample", "monthly")}
    automation = automations(api)[0]
    changed = changed_file(tmp_path / "prefect.yaml")
    done = deploy_file(environment, changed)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not deployed: recheck_recipes/weekly" in done.stderr
    assert "'not a number' is not of type 'number'" in done.stderr  # Prefect's own words
    assert "not deployed: prune_artifacts/monthly" in done.stderr
    assert {name: one(api, name) for name in ("weekly", "monthly")} == {
        name: before[name] for name in ("weekly", "monthly")
    }
    (nightly,) = one(api, "nightly")["schedules"]
    assert nightly["id"] == before["nightly"]["schedules"][0]["id"]
    assert (nightly["schedule"]["cron"], nightly["active"]) == ("0 2 * * *", True)
    assert {s["slug"]: s["active"] for s in one(api, "backfill")["schedules"]} == {
        "daily": False,
        "early": True,
    }
    (after,) = automations(api)  # that of after-release is gone
    assert after["trigger"]["match"] == {"prefect.resource.id": "recipe1m.*"}
    assert [after[key] for key in ("id", "name", "enabled")] == [
        *(automation["id"], "after-new-data__automation_1", False)
    ]
    assert one(api, "weekly-training")["description"] == "Another description."  # after the fault
    assert one(api, "sample") == before["sample"]
    assert "not in the file: refresh_catalog/sample" in done.stdout
    (hourly,) = one(api, "whole-road")["schedules"]
    assert one(api, "backfill")["pull_steps"] == before["nightly"]["pull_steps"]
    again = deploy_file(environment, changed)
    assert "updated" not in again.stdout
    assert one(api, "whole-road")["schedules"] == [hourly]  # at the same minute as ever
