"""Which edits of the source renew which artifacts: real edits in a copy of the tree."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRINT_IDS = """
import json
from mmpipeline.config import PipelineConfig, SeedMethodConfig
from mmpipeline.planning import keys
c = PipelineConfig()
found = (
    keys.sample_world_key(c.sample), keys.scraped_recipes_key("s", c.parse),
    keys.recipe1m_key("d", c.recipe1m), keys.catalog_key({}, c.catalog),
    keys.features_key("c", c.features), keys.pairs_key("c", c.pairs),
    keys.model_key("f", "p", c.train), keys.evaluation_key("m", "f", "c", c.evaluate),
    keys.frozen_set_key("c", c.frozen), keys.frozen_scores_key("m", "f", c.evaluate),
    keys.comparison_key(["s"], c.comparison), keys.index_key("m", "f", "c", c.index),
    keys.seed_method_key(c.experiment.data, SeedMethodConfig()),
    keys.seed_draw_key(c.experiment.data, ["m"], c.experiment),
    keys.seed_report_key(["d"], c.experiment),
)
print(json.dumps({key.kind: key.id for key in found}))
"""
"""Prints the id of an artifact of each kind over the same inputs and settings."""

EDITS: dict[str, tuple[str, str, str, set[str]]] = {
    "a stronger ridge": (
        "mmpipeline/evaluation/metrics/single_modality.py",
        "strength = ridge * values",
        "strength = 100 * ridge * values",
        {"model", "evaluation", "frozen_scores"},
    ),
    "a comment in a loss that nothing calls": (
        "mmpipeline/losses/mms.py",
        "    count = len(left)\n",
        "    count = len(left)  # of the batch\n",
        set(),
    ),
    "a loss that nothing calls": (
        "mmpipeline/losses/mms.py",
        "    count = len(left)\n",
        "    count = len(left) + 0\n",
        set(),
    ),
    "how a living index is watched": (
        "mmpipeline/search/release/live.py",
        "self._interval_s = interval_s",
        "self._interval_s = 2 * interval_s",
        set(),
    ),
    "a text of the report": (
        "mmpipeline/talk/report/ladder.py",
        "One change a step",
        "A change a step",
        {"seed_report"},
    ),
    "a comment in SQL": (
        "mmpipeline/pairs/sql/anchors.sql",
        "SELECT",
        "-- here\n/* and here */ SELECT",
        set(),
    ),
    "a statement of SQL": ("mmpipeline/catalog/sql/splits.sql", "train", "trained", {"catalog"}),
    "a dish of the dictionary": (
        "mmpipeline/text/dishes.toml",
        "kimchi",
        "gimchi",
        {"catalog"},
    ),
}
"""An edit, and the kinds of artifacts that it renews over the same inputs."""


def ids(tree: Path) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PRINT_IDS], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's source."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("mmpipeline", "tasks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def before(tree: Path) -> dict[str, str]:
    return ids(tree)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_renews_what_reaches_it_and_nothing_else(
    name: str, tree: Path, before: dict[str, str]
) -> None:
    module, old, new, renewed = EDITS[name]
    path = tree / module
    source = path.read_text(encoding="utf-8")
    assert old in source
    path.write_text(source.replace(old, new), encoding="utf-8")
    try:
        after = ids(tree)
    finally:
        path.write_text(source, encoding="utf-8")
    assert {kind for kind in before if after[kind] != before[kind]} == renewed
