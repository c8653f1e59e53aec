"""A disk that fills in any stage: one clear line, nothing half-written, and the next run completes.

The stage's own function runs in a process whose files may not grow beyond some bytes, which the
system reports as it reports a full disk. The processes are forks of one that has imported all.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout, open_artifact
from tests.flows.conftest import ROOT, environment

pytestmark = [pytest.mark.flow, pytest.mark.timeout(900)]  # the first one waits for a whole run

STAGES = {
    "recipe1m": "recipe1m.normalize.fn(newest('sample_world') / 'recipe1m', config.recipe1m, root)",
    "tenthousand_recipe": "scraping.parse.fn('sample_site', config.parse, root)",
    "catalog": "catalog.merge.fn(newest_recipes(root), config.catalog, root)",
    "features": "features.extract.fn(newest('catalog'), config.features, root)",
    "pairs": "pairs.build.fn(newest('catalog'), config.pairs, root)",
    "model": "training.train.fn(newest('features'), newest('pairs'), config.train, root)",
    "evaluation": (
        "evaluation.evaluate.fn(*map(newest, ('model', 'features', 'catalog')),"
        " config.evaluate, root)"
    ),
    "frozen_set": "frozen.freeze.fn(newest('catalog'), config.frozen, root)",
    "frozen_scores": (
        "frozen.score.fn(*map(newest, ('model', 'features', 'frozen_set')), config.evaluate, root)"
    ),
    "index": (
        "index.publish.fn(*map(newest, ('model', 'features', 'catalog')), config.index, root)"
    ),
}
"""A stage by the kind of its artifact, as its task calls it."""

SCRIPT = """
import json, os, resource, sys, traceback
from pathlib import Path
from mmpipeline.config import load_config
from mmpipeline.planning.catalog import newest_recipes
from mmpipeline.storage import ArtifactStore, DataLayout
from tasks.servers.prefect import quiet_environment
root = Path(sys.argv[2])
os.environ.update(quiet_environment(root))
from tasks.stages import catalog, evaluation, features, frozen, index, pairs, recipe1m
from tasks.stages import scraping, training
store = ArtifactStore(DataLayout.at(root))
newest = lambda kind: store.latest(kind).folder
config = load_config(Path(sys.argv[1]))

def attempt(stage, limit, said):
    os.dup2(said, 2)  # a pipe has no size that could be held to the limit
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        eval(stage)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)

for line in sys.stdin:
    asked = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        attempt(asked["stage"], asked["limit"], writing)
    os.close(writing)
    with open(reading, errors="replace") as said:
        told = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("TOLD" + json.dumps([code, told]), flush=True)
"""
"""Imports everything once, and carries each attempt out in a fork of its own."""

Attempt = Callable[[str, int], tuple[int, str]]


@pytest.fixture(scope="module")
def copied(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of its own; each test takes one artifact away and makes it again."""
    root = tmp_path_factory.mktemp("full") / "data"
    shutil.copytree(finished, root)
    return root


@pytest.fixture(scope="module")
def attempt(copied: Path, small_config: Path) -> Iterator[Attempt]:
    """Return a function that makes a kind of artifact while files have a limit; 0 is none.

    It returns the exit status and what was said.
    """
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(small_config), str(copied)],
        env=environment(copied),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def make(kind: str, limit: int) -> tuple[int, str]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"stage": STAGES[kind], "limit": limit}) + "\n")
            process.stdin.flush()
            told = next(line for line in process.stdout if line.startswith("TOLD"))
            code, said = json.loads(told.removeprefix("TOLD"))
            return code, said

        yield make


@pytest.mark.parametrize("kind", STAGES)
def test_a_disk_that_fills_leaves_nothing_and_the_next_run_completes(
    kind: str, copied: Path, attempt: Attempt
) -> None:
    layout = DataLayout.at(copied)
    (before,) = (folder for folder in layout.artifacts(kind).iterdir() if folder.is_dir())
    files = open_artifact(before, kind).manifest.files
    without_marking_latest = copied.parent / f"aside-{kind}"
    before.rename(without_marking_latest)
    code, said = attempt(kind, 2048)
    assert code != 0, "the disk was not full enough"
    last = said.strip().splitlines()[-1]
    assert any(
        word in last for word in ("too large", "No space", "full", "space", "could not", "write")
    ), said[-1500:]
    assert not before.exists()
    code, said = attempt(kind, 0)
    assert code == 0, said[-1500:]
    made = open_artifact(before, kind)
    made.verify()
    assert made.manifest.files == files
    shutil.rmtree(without_marking_latest)
