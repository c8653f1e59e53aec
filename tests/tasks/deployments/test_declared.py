"""What a prefect.yaml says, in the server's terms; what `make deploy` does not know is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mmpipeline.errors import ConfigError
from tasks.deployments.declared import KEYS, declare, read_file

ROOT = Path(__file__).parents[3]
MONTHLY: dict[str, Any] = {
    "name": "monthly",
    "entrypoint": "flows/prune_artifacts.py:prune_artifacts",
    "schedules": [{"cron": "0 7 1 * *", "timezone": "Asia/Seoul", "slug": "monthly"}],
    "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE", "grace_period_seconds": 900},
    "work_pool": {"name": "local", "job_variables": {"env": {"A": "1"}}},
    "pull": [],
}


def write(path: Path, *deployments: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"deployments": list(deployments)}))
    return path


def test_our_own_file_uses_only_what_is_known() -> None:
    configs = read_file(ROOT / "prefect.yaml", ROOT)
    assert len(configs) == len(yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"])
    assert set().union(*configs) <= KEYS
    assert str(ROOT) in str(configs[0]["pull"])


def test_a_deployment_in_the_servers_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    declared = declare(MONTHLY)
    assert declared.full_name == "prune_artifacts/monthly"
    assert declared.fields["concurrency_limit"] == 1
    assert declared.fields["concurrency_options"] == {
        "collision_strategy": "ENQUEUE",
        "grace_period_seconds": 900,
    }
    assert declared.fields["job_variables"] == {"env": {"A": "1"}}
    assert declared.schedules["monthly"].active  # as Prefect takes it
    assert not declared.is_paused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"build": []}, "found build"),
        ({"description": "{{ $USER }}"}, "found a template"),
        ({"schedules": [{"cron": "0 7 1 * *"}]}, "expected a slug"),
        ({"schedules": [MONTHLY["schedules"][0]] * 2}, "two schedules have the slug monthly"),
        ({"schedules": [{"slug": "never"}]}, "cron, interval or rrule"),
        ({"schedules": [{"slug": "s", "cron": "often"}]}, "cron.*often"),
        ({"triggers": [{"posture": "Sometimes"}]}, "trigger 1.*posture"),
        ({"triggers": [{"type": "wish"}]}, "trigger 1.*wish"),
        ({"triggers": [{"expct": ["a"]}]}, "trigger 1.*expct"),
        ({"triggers": [{"name": "x"}, {"name": "x"}]}, "two triggers have the name x"),
        ({"triggers": [{"name": "monthly__automation_2"}, {}]}, "two triggers have the name"),
        ({"work_pool": "local"}, "work_pool.*'local'"),
        ({"work_pool": {"nam": "local"}}, "work_pool.nam"),
        ({"tags": "solo"}, "tags.*'solo'"),
        ({"parameters": ["a"]}, "parameters"),
        ({"paused": "yes"}, "paused"),
    ],
)
def test_what_is_not_known_is_refused(
    change: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ConfigError, match=said) as error:
        declare({**MONTHLY, **change})
    assert "\n" not in str(error.value)


def test_a_file_that_lists_none_or_one_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "prefect.yaml", MONTHLY, MONTHLY)
    with pytest.raises(ConfigError, match="same name"):
        read_file(path, ROOT)
    path.write_text("name: mmpipeline\n")
    with pytest.raises(ConfigError, match="expected deployments"):
        read_file(path, ROOT)
    with pytest.raises(ConfigError, match=r"missing\.yaml"):
        read_file(tmp_path / "missing.yaml", ROOT)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({}, "expected deployments"),
        ([], "expected deployments"),
        ([MONTHLY, "monthly"], "deployment 2"),
        ([{**MONTHLY, "entrypoint": ["a"]}], "deployment 1.*entrypoint"),
        ([{**MONTHLY, "entrypoint": "flows"}], "deployment 1.*entrypoint"),
        ([{**MONTHLY, "name": None}], "deployment 1.*name"),
    ],
)
def test_what_names_no_deployment_is_told_in_a_line(
    listed: object, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "prefect.yaml"
    path.write_text(yaml.safe_dump({"deployments": listed}))
    with pytest.raises(ConfigError, match=rf"prefect\.yaml: {said}") as error:
        read_file(path, ROOT)
    assert "\n" not in str(error.value)


def test_a_key_without_value_is_as_one_left_out(tmp_path: Path) -> None:
    nothing = dict.fromkeys(KEYS - {"name", "entrypoint"})
    path = write(tmp_path / "prefect.yaml", {**MONTHLY, **nothing})
    (config,) = read_file(path, ROOT)
    assert config.keys() == {"name", "entrypoint", "pull"}
    assert str(ROOT) in str(config["pull"])
