"""The command line of a local run, without running anything."""

import errno
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from flows.__main__ import FLOWS, choose_parameters, describe_unforeseen, parse_arguments
from mmpipeline.config import PipelineConfig
from mmpipeline.errors import InputError
from mmpipeline.planning.refresh import STAGES
from tests.flows.conftest import ROOT, environment


def test_every_flow_file_can_be_run_by_name() -> None:
    files = {path.stem for path in (ROOT / "flows").glob("*.py") if path.stem[0] != "_"}
    assert set(FLOWS) == files


def test_without_a_source_the_sample_world_is_taken(tmp_path: Path) -> None:
    config = PipelineConfig()
    chosen = choose_parameters("refresh_catalog", config, None)["request"]
    assert (chosen.sample, chosen.scrape, chosen.dump) == (True, True, None)
    (tmp_path / "layer1.json").touch()
    chosen = choose_parameters("refresh_catalog", config, tmp_path)["request"]
    assert (chosen.sample, chosen.scrape, chosen.dump) == (False, False, tmp_path)
    assert choose_parameters("build_pairs", config, None) == {"config": config.pairs}
    published = {"config": config.index, "promotion": config.promotion}
    assert choose_parameters("publish_index", config, None) == published
    assert choose_parameters("follow_release", config, None) == {}


def test_a_source_without_recipes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no layer1\.json there"):
        choose_parameters("refresh_catalog", PipelineConfig(), tmp_path)


def test_any_source_is_named_by_its_kind_and_its_input(tmp_path: Path) -> None:
    config = PipelineConfig()
    chosen = choose_parameters("bring_recipes", config, tmp_path, "recipe1m")
    assert chosen == {"kind": "recipe1m", "place": tmp_path, "config": config}
    for source, kind in ((tmp_path, None), (None, "recipe1m")):
        with pytest.raises(InputError, match="needs --kind, a source, and --source, its input"):
            choose_parameters("bring_recipes", config, source, kind)


def test_wishes_are_for_the_parent_and_name_stages(capsys: pytest.CaptureFixture[str]) -> None:
    options = parse_arguments(["--plan", "--force", "build_pairs", "--force", "train_fusion"])
    assert (options.plan, options.retrain) == (True, False)
    assert options.force == ["build_pairs", "train_fusion"]
    for wrong, message in (
        (["--force", "build_pear"], "invalid choice: 'build_pear'"),
        (["--force"], "expected one argument"),
        (["build_pairs", "--plan"], "are for refresh_catalog"),
        (["build_pairs", "--newest"], "are for refresh_catalog"),
        (["--newest", "--source", "folder"], "asks no source"),
        (["build_pairs", "--force", "build_pairs"], "are for refresh_catalog"),
        (["build_pairs", "--kind", "recipe1m"], "--kind is for bring_recipes"),
    ):
        with pytest.raises(SystemExit):
            parse_arguments(wrong)
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["-m", "flows"], "runs: new recipes from tenthousand_recipe"),
        (["flows/refresh_catalog.py"], "runs: new recipes from tenthousand_recipe"),
        (["flows/refresh_catalog.py", "--newest"], "runs: no recipes yet"),
    ],
)
def test_a_plan_is_printed_and_nothing_is_made(
    tmp_path: Path, command: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, *command, "--plan", "--force", "build_pairs"],
        env=environment(tmp_path / "data"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[-len(STAGES) :]] == list(STAGES)
    assert lines[-1].endswith(said)
    assert not (tmp_path / "data").exists()


def test_what_nobody_foresaw_is_one_line(tmp_path: Path) -> None:
    line = describe_unforeseen(tmp_path, RuntimeError("first\nsecond"))
    assert line.startswith("RuntimeError: first; the traceback is in ")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.__main__.FULL_DISK_BYTES", 10**18)
    assert "is full" in describe_unforeseen(tmp_path, OSError(errno.ENOSPC, "No space"))


def find_server(run: "subprocess.Popen[bytes]") -> psutil.Process | None:
    """The private server of a run, once it is well."""
    with suppress(psutil.NoSuchProcess, requests.RequestException):
        for child in psutil.Process(run.pid).children():
            if "tasks.servers.prefect" in child.cmdline():
                place = f"http://127.0.0.1:{child.cmdline()[3]}/api/health"
                return child if requests.get(place, timeout=30).ok else None
    return None


@pytest.mark.flow
def test_the_server_of_a_run_answers_its_own_processes_alone(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "flows", "prune_artifacts"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while (server := find_server(run)) is None:
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGSTOP)  # so that it does not end before all is asked
    place = f"http://127.0.0.1:{server.cmdline()[3]}/api/flow_runs/count"
    login = server.environ()["PREFECT_SERVER_API_AUTH_STRING"]
    lines = [" ".join(p.cmdline()) for p in (server, psutil.Process(run.pid))]
    answers = [
        requests.post(place, json={}, auth=auth, headers={"Host": host}, timeout=60).status_code
        for auth, host in (
            (None, place.split("/")[2]),
            (("mmpipeline", "guessed"), place.split("/")[2]),
            (tuple(login.split(":")), "evil.example"),
            (tuple(login.split(":")), place.split("/")[2]),
        )
    ]
    run.send_signal(signal.SIGCONT)
    said = run.communicate(timeout=300)[0].decode()
    assert answers == [401, 401, 421, 200]
    assert run.returncode == 0, said
    assert len(login) > 40
    assert [line for line in lines if login in line] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "prefect.db" in {path.name for path in files}
    assert [path for path in files if login.encode() in path.read_bytes()] == []
