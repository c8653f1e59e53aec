"""Publishing is killed at every file-system step: readers see the old version or the new one.

The publisher runs in a process that dies at its step number 1, 2, 3, ... until one run gets
through; once with whole writes and once with the last write torn in half.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.search.current import current_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.storage import DataLayout, open_artifact

SCRIPT = """
import os, sys
from pathlib import Path
world, die_at, torn = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "torn"
from mmpipeline.config import IndexConfig, PromotionConfig
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from mmpipeline.search.exam import draw_exam
from mmpipeline.search.publish import build_index
from mmpipeline.search.current import current_version
from mmpipeline.search.release import release
import torch
torch.set_num_threads(1)
count = [0]
def step(last_path=None):
    count[0] += 1
    if count[0] == die_at:
        if torn and last_path is not None and os.path.isfile(last_path):
            os.truncate(last_path, os.path.getsize(last_path) // 2)
        os._exit(137)
def wrap(name):
    real = getattr(os, name)
    def call(*arguments, **options):
        step(arguments[0] if name in ("rename", "replace") else None)
        return real(*arguments, **options)
    setattr(os, name, call)
for name in ("rename", "replace", "fsync", "mkdir", "unlink", "link", "rmdir"):
    wrap(name)
layout = DataLayout.at(world / "data")
seen = current_version(layout)
key = ArtifactKey("index", {"model": "crash"}, {}, "s")
parts = (world / "model", world / "features", world / "catalog")
store = ArtifactStore(layout)
draw_exam(layout, parts[2], 20)
if store.find(key) is None:
    with store.create(key) as draft:
        draft.counts = build_index(*parts, draft.folder, IndexConfig())
release(layout, key.id, PromotionConfig(), seen)
print(count[0])
"""


def attempt(world: Path, die_at: int, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(world), str(die_at), how],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def check_reader(layout: DataLayout, old: str) -> str:
    """Open what is published, ask it, and return its id."""
    now = current_version(layout)
    assert now is not None
    open_artifact(layout.artifacts("index") / now, "index").verify()
    answer = SearchIndex.open(layout, now).search(Query(title="김치찌개"), 3)
    assert len(answer.items) == 3
    return now


def run_loop(world: Path, tmp_path: Path, how: str, stride: int) -> None:
    counted = attempt(shutil.copytree(world, tmp_path / "count"), 0, how)
    assert counted.returncode == 0, counted.stderr
    steps = int(counted.stdout)
    assert steps > 20
    for die_at in range(1, steps + 1, stride):
        copy = tmp_path / f"{how}-{die_at}"
        shutil.copytree(world, copy)
        layout = DataLayout.at(copy / "data")
        old = current_version(layout)
        assert old is not None
        killed = attempt(copy, die_at, how)
        assert killed.returncode == 137, killed.stderr
        check_reader(layout, old)
        again = attempt(copy, 0, how)
        assert again.returncode == 0, again.stderr
        assert check_reader(layout, old) != old
        shutil.rmtree(copy)


@pytest.mark.parametrize("how", ["whole", "torn"])
def test_a_publisher_killed_at_some_steps(world: Path, tmp_path: Path, how: str) -> None:
    run_loop(world, tmp_path, how, stride=67)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("how", ["whole", "torn"])
def test_a_publisher_killed_at_every_step(world: Path, tmp_path: Path, how: str) -> None:
    run_loop(world, tmp_path, how, stride=1)
