"""A copy of a data folder keeps to itself and a moved one goes on, whatever runs in them.

Runs get a home, a temporary folder and a working folder of their own, which are looked through
afterwards, and tell which files Python itself opens to write, makes, renames or removes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.__main__ import FLOWS
from mmpipeline.config import SampleConfig
from mmpipeline.operations.locations import check_locations
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.sample.site.server import serve_site
from mmpipeline.storage import DataLayout
from tests.flows.conftest import ROOT
from tests.folder_watch import changed, look_at

pytestmark = pytest.mark.flow

HEAR = """
import os, sys
HEARD, INSIDE = os.environ["HEARD"], tuple(os.environ["INSIDE"].split("|"))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir": 1, "os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.link": 2,
           "os.symlink": 2, "sqlite3.connect": 1}

def hear(event, arguments):
    if event == "open":
        paths = arguments[:1] if arguments[2] & WRITES else ()
    else:
        paths = arguments[: CHANGES.get(event, 0)]
    for path in paths:
        if isinstance(path, int) or path in (HEARD, ":memory:", ""):
            continue
        path = os.fsdecode(path)
        if path.startswith("file:") and "mode=ro" in path:
            continue
        folder = arguments[-1] if event.startswith("os.") else -1  # a descriptor, or -1
        base = f"/proc/self/fd/{folder}" if isinstance(folder, int) and folder >= 0 else "."
        place = os.path.join(os.path.realpath(base), path.removeprefix("file:").partition("?")[0])
        if not (place + "/").startswith(INSIDE):
            with open(HEARD, "a") as file:
                file.write(f"{event} {path}\\n")

sys.addaudithook(hear)
"""
"""Becomes `sitecustomize`, which every Python below the run begins with."""
TINY = """
[train]
epochs = 1
anchors_per_batch = 32
hidden_dim = 64
embedding_dim = 32

[comparison]
name = "one"
losses = ["prototypical"]
fusions = ["weighted_sum"]
seeds = [1]

[retention]
keep_versions = 1
keep_days = 0

[scrape]
base_url = "SITE"
image_hosts = ["127.0.0.1"]
allow_loopback = true
pace_s = 0
max_pages = 5
"""
PLACES = ("home", "tmp", "cwd", "hook")
NAMING = ("XDG_", "TORCHINDUCTOR_")
"""Of variables that name places; torch sets one in a process that trained, as other tests do."""
SMALLER = SampleConfig(recipes=40, photo_size_px=32)


@dataclass(frozen=True)
class Watch:
    """Where runs may leave nothing: all of it lies in one folder."""

    folder: Path

    @property
    def heard(self) -> Path:
        return self.folder / "heard.txt"

    def make(self) -> None:
        for name in PLACES:
            (self.folder / name).mkdir(parents=True)
        (self.folder / "hook" / "sitecustomize.py").write_text(HEAR)

    def run(self, data_root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run this environment's Python on a data folder; it must succeed."""
        places = {name: self.folder / name for name in PLACES}
        inside = (data_root, places["tmp"], "/dev", "/proc")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(NAMING)},
            "HOME": str(places["home"]),
            "TMPDIR": str(places["tmp"]),
            "PYTHONPATH": os.pathsep.join([str(places["hook"]), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MMPIPELINE_DATA_ROOT": str(data_root),
            "MMPIPELINE_CONTACT": "test@example.org",
            "HEARD": str(self.heard),
            "INSIDE": "|".join(f"{place}/" for place in inside),
        }
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=places["cwd"],
            capture_output=True,
            text=True,
            timeout=4000,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def cli(self, data_root: Path, *arguments: str) -> str:
        command = ("-c", "from mmpipeline.cli import main; main()")
        return self.run(data_root, *command, *arguments).stdout


@contextmanager
def nothing_outside(watch: Watch, *others: Path) -> Iterator[None]:
    """Hold that a block leaves nothing in the watched places, and other folders as they were."""
    before = look_at(watch.folder, *others)
    yield
    heard = watch.heard.read_text().splitlines() if watch.heard.exists() else []
    assert sorted(set(heard)) == []
    assert changed(before, look_at(watch.folder, *others)) == []


def copy_of(data_root: Path, place: Path) -> Path:
    """Copy a data folder as `cp -a` does."""
    shutil.copytree(data_root, place, symlinks=True)
    return place


def runs_with_files(data_root: Path) -> set[str]:
    return {path.name for path in (data_root / "state" / "mlflow-artifacts").iterdir()}


def statuses(data_root: Path) -> list[str]:
    return [finding.status for finding in check_locations(DataLayout.at(data_root))]


@pytest.mark.timeout(900)
def test_a_copy_is_trained_in_and_nothing_is_written_outside_of_it(
    finished: Path, tmp_path: Path
) -> None:
    copied, config = copy_of(finished, tmp_path / "a 사본 100%" / "data"), tmp_path / "tiny.toml"
    config.write_text(TINY)
    watch = Watch(tmp_path / "watch")
    watch.make()
    assert statuses(copied) == ["problem"]
    with nothing_outside(watch, finished):
        done = watch.run(copied, "-m", "flows", "train_fusion", "--config", str(config))
    assert f"named {finished}; they name this data folder now" in done.stdout
    assert statuses(copied) == statuses(finished) == ["ok"]
    (trained,) = runs_with_files(copied) - runs_with_files(finished)
    assert list((copied / "state" / "mlflow-artifacts" / trained).rglob("model.safetensors"))


@pytest.mark.soak
@pytest.mark.timeout(5400)
def test_every_flow_in_a_copy_and_after_a_move(
    finished: Path, small_config: Path, tmp_path: Path
) -> None:
    watch, config = Watch(tmp_path / "watch"), tmp_path / "tiny.toml"
    watch.make()
    write_recipe1m_dump(tmp_path / "dump", SMALLER)
    wishes: dict[str, tuple[str, ...]] = dict.fromkeys(FLOWS, ())
    wishes["refresh_catalog"] = ("--retrain", "--config", str(small_config))
    wishes["normalize_recipe1m"] = ("--source", str(tmp_path / "dump"))
    wishes["bring_recipes"] = ("--kind", "recipe1m", *wishes["normalize_recipe1m"])
    wishes["run_seed_experiment"] = ("--quick",)
    some = {"recheck_recipes": (), "train_fusion": (), "publish_index": ()}
    first, moved = copy_of(finished, tmp_path / "first" / "data"), tmp_path / "second" / "data"
    write_recipe1m_dump(first / "raw" / "inbox" / "dump", SMALLER)
    with serve_site(SMALLER, page_chars=3_000) as site:
        config.write_text(TINY.replace("SITE", site.base_url))
        with nothing_outside(watch, finished):
            run_flows_in(watch, first, config, wishes)
        moved.parent.mkdir()
        first.rename(moved)
        copied = copy_of(moved, tmp_path / "third" / "data")
        config.write_text(config.read_text().replace("epochs = 1", "epochs = 2"))
        with nothing_outside(watch, finished, moved):
            run_flows_in(watch, copied, config, some)
        with nothing_outside(watch, finished, copied, first.parent):
            run_flows_in(watch, moved, config, some)


def run_flows_in(
    watch: Watch, data_root: Path, config: Path, wishes: dict[str, tuple[str, ...]]
) -> None:
    """Run flows, and the commands that change something; the champion answers then."""
    commands = [(name, "--config", str(config), *more) for name, more in wishes.items()]
    watch.run(data_root, "-c", RUN, json.dumps(commands))
    for row in json.loads(watch.cli(data_root, "index", "list", "--json")):
        watch.cli(data_root, "index", "promote", row["version"], "--force")
    watch.cli(data_root, "search", "--title", "김치찌개")
    watch.run(data_root, "-c", RUN, json.dumps([("follow_release",)]))
    watch.run(data_root, "-c", ASK)
    assert statuses(data_root) == ["ok"]


RUN = """
import json, os, subprocess, sys
from pathlib import Path
from tasks.servers.prefect import prefect_server
with prefect_server(Path(os.environ["MMPIPELINE_DATA_ROOT"])) as api:
    environment = {**os.environ, "PREFECT_API_URL": api}
    for command in json.loads(sys.argv[1]):
        done = subprocess.run([sys.executable, "-m", "flows", *command], env=environment)
        if done.returncode:
            sys.exit(f"{command} ended with {done.returncode}")
"""
ASK = """
import os, warnings
warnings.simplefilter("ignore")
import mlflow, pandas
from mmpipeline.storage import DataLayout
from tasks.servers.prefect import tracking_uri
mlflow.set_tracking_uri(tracking_uri(DataLayout.at(os.environ["MMPIPELINE_DATA_ROOT"])))
model = mlflow.pyfunc.load_model("models:/recipe-search@champion")
assert len(model.predict(pandas.DataFrame({"title": ["kimchi"]}))) == 5
"""
