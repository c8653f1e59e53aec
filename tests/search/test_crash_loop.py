"""Publishing is killed at every file-system step: readers see the old version or the new one.

A publisher dies at its step number 1, 2, 3, ... until one run gets through. A step is every call
that changes files below the data folder, by whatever library it is made (see `file_steps.c`). It
is killed cleanly, or with half of the write it was at; then the bytes that were never flushed are
cut off, or turned to zeros, as a power cut does.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mmpipeline.features import extract_features
from mmpipeline.search.current import current_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.search.release.record import read_releases
from mmpipeline.storage import DataLayout, open_artifact, read_parquet
from tests.search.conftest import FEATURES

HERE = Path(__file__).parent
ACTIONS = ("publish", "update", "compact", "promote", "rollback")
BEFORE = {  # what is done before, and dies at no step
    "publish": ("first",),
    "update": ("first",),
    "compact": ("first",),
    "promote": ("first", "make"),
    "rollback": ("first", "make", "promote"),
}
HOWS = ("whole", "cut", "zeroed")


class Publisher:
    """A running `crashing_publisher`."""

    def __init__(self, steps: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.search.crashing_publisher"],
            cwd=HERE.parents[1],
            env={**os.environ, "LD_PRELOAD": str(steps), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def act(self, world: Path, action: str, die_at: int = 0, how: str = "whole") -> dict[str, Any]:
        """Do something to a world, and die at a step of it; 0 lets it through."""
        report = world.with_name(f"{world.name}.report")
        request = {"world": str(world), "action": action, "die_at": die_at, "report": str(report)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request | {"torn": int(how != "whole")}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert answer["code"] == (137 if die_at else 0), answer["error"]
        if die_at and how != "whole":
            lose_unflushed(world / "data", report, how)
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def lose_unflushed(folder: Path, report: Path, how: str) -> None:
    """Do to files what a power cut does: what was not flushed is gone, or zeros."""
    low = {}
    for line in report.read_text().splitlines():
        device, inode, offset = map(int, line.split())
        low[device, inode] = offset
    for path in filter(Path.is_file, folder.rglob("*")):
        status = path.stat()
        start = low.get((status.st_dev, status.st_ino))
        if start is None or start >= status.st_size:
            continue
        os.truncate(path, start)
        if how == "zeroed":
            os.truncate(path, status.st_size)


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc), which builds what counts the file-system steps")
    steps = tmp_path_factory.mktemp("steps") / "file_steps.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(steps), str(HERE / "file_steps.c")]
    subprocess.run([*command, "-ldl"], check=True, timeout=60)
    running = Publisher(steps)
    yield running
    running.close()


@pytest.fixture(scope="module")
def two_catalogs(first_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world, nothing published, and a later catalogue: two recipes gone, three changed."""
    world = tmp_path_factory.mktemp("crash") / "world"
    shutil.copytree(first_world, world, ignore=shutil.ignore_patterns("index", "verified"))
    table = read_parquet(world / "catalog" / "recipes.parquet")
    titles = [
        f"새 {title}" if turn in (5, 6, 7) else title
        for turn, title in enumerate(table["title"].to_pylist())
    ]
    place = table.schema.get_field_index("title")
    later = table.set_column(place, table.schema.field("title"), pa.array(titles, pa.string()))
    gone = table["recipe_id"].to_pylist()[3:5]
    later = later.filter(pc.invert(pc.is_in(later["recipe_id"], pa.array(gone))))
    for folder in ("catalog-2", "features-2"):
        (world / folder).mkdir()
    pq.write_table(later, world / "catalog-2" / "recipes.parquet", write_page_checksum=True)
    shutil.copyfile(world / "catalog" / "dishes.parquet", world / "catalog-2" / "dishes.parquet")
    layout = DataLayout.at(world / "data")
    extract_features(world / "catalog-2", world / "features-2", layout, FEATURES)
    return world


def check_reader(layout: DataLayout) -> str:
    """Open what is published, ask it, and return its id."""
    now = current_version(layout)
    assert now is not None
    open_artifact(layout.artifacts("index") / now, "index").verify()
    answer = SearchIndex.open(layout, now).search(Query(title="김치찌개"), 3)
    assert len(answer.items) == 3
    return now


def check_recorded(layout: DataLayout, old: str, new: str) -> None:
    """Check that the record knows what answers, and what did before."""
    last = read_releases(layout)[-1]
    assert (last.version, last.before) == (new, old)


def run_loop(publisher: Publisher, world: Path, action: str, how: str, chosen: range) -> int:
    """Kill an action at each of some steps (all below its last); return how many there are."""
    root = world.parent / f"{action}-{how}"
    ready = shutil.copytree(world, root / "ready")
    for earlier in BEFORE[action]:
        publisher.act(ready, earlier)
    old = check_reader(DataLayout.at(ready / "data"))
    through = shutil.copytree(ready, root / "through")
    steps = int(publisher.act(through, action)["steps"])
    new = check_reader(DataLayout.at(through / "data"))
    assert new != old
    for die_at in filter(range(1, steps + 1).__contains__, chosen):
        copy = shutil.copytree(ready, root / str(die_at))
        layout = DataLayout.at(copy / "data")
        publisher.act(copy, action, die_at, how)
        assert check_reader(layout) in (old, new), die_at
        publisher.act(copy, action)
        assert check_reader(layout) == new, die_at
        check_recorded(layout, old, new)
        shutil.rmtree(copy)
    shutil.rmtree(root)
    return steps


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_publisher_killed_at_some_steps(
    publisher: Publisher, two_catalogs: Path, action: str, how: str
) -> None:
    first = 1 + HOWS.index(how) * 7
    assert run_loop(publisher, two_catalogs, action, how, range(first, 10_000, 61)) > 10


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_publisher_killed_at_every_step(
    publisher: Publisher,
    two_catalogs: Path,
    action: str,
    how: str,
    record_property: Callable[[str, object], None],
) -> None:
    steps = run_loop(publisher, two_catalogs, action, how, range(1, 100_000))
    record_property("steps", steps)
    sys.stderr.write(f"{action} {how}: killed at each of {steps} steps\n")
