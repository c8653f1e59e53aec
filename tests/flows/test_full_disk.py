"""A disk that fills in any stage: one clear line, nothing half-written, and the next run completes.

The stage's own function runs in a process whose files may not grow beyond some bytes, which the
system reports as it reports a full disk.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout, open_artifact
from tests.flows.conftest import ROOT, environment

pytestmark = [pytest.mark.flow, pytest.mark.timeout(900)]  # the first one waits for a whole run

STAGES = {
    "recipe1m": "recipe1m.normalize.fn(newest('sample_world') / 'recipe1m', config.recipe1m, root)",
    "tenthousand_recipe": "scraping.parse.fn('sample_site', config.parse, root)",
    "catalog": "catalog.merge.fn(catalog.newest_recipes(root), config.catalog, root)",
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
import os, resource, sys
from pathlib import Path
from mmpipeline.config import load_config
from mmpipeline.storage import ArtifactStore, DataLayout
from tasks.servers.prefect import quiet_environment
root, limit, stage = Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ.update(quiet_environment(root))
from tasks.stages import catalog, evaluation, features, frozen, index, pairs, recipe1m
from tasks.stages import scraping, training
store = ArtifactStore(DataLayout.at(root))
newest = lambda kind: store.latest(kind).folder
config = load_config(Path(sys.argv[1]))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print("made", eval(stage))
"""


@pytest.fixture(scope="module")
def copied(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of its own; each test takes one artifact away and makes it again."""
    root = tmp_path_factory.mktemp("full") / "data"
    shutil.copytree(finished, root)
    return root


def attempt(config: Path, root: Path, kind: str, limit: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(config), str(root), str(limit), STAGES[kind]],
        env=environment(root),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("kind", STAGES)
def test_a_disk_that_fills_leaves_nothing_and_the_next_run_completes(
    kind: str, copied: Path, small_config: Path
) -> None:
    layout = DataLayout.at(copied)
    (before,) = (folder for folder in layout.artifacts(kind).iterdir() if folder.is_dir())
    files = open_artifact(before, kind).manifest.files
    without_marking_latest = copied.parent / f"aside-{kind}"
    before.rename(without_marking_latest)
    full = attempt(small_config, copied, kind, 2048)
    assert full.returncode != 0, "the disk was not full enough"
    last = full.stderr.strip().splitlines()[-1]
    assert any(
        word in last for word in ("too large", "No space", "full", "space", "could not", "write")
    ), full.stderr[-1500:]
    assert not before.exists()
    again = attempt(small_config, copied, kind, 0)
    assert again.returncode == 0, again.stderr[-1500:]
    made = open_artifact(before, kind)
    made.verify()
    assert made.manifest.files == files
    shutil.rmtree(without_marking_latest)
