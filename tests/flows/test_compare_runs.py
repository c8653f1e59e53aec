"""A grid as one command on the small world: nested runs, a leaderboard, and once more."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mmpipeline.storage import ArtifactStore, DataLayout
from tasks.servers.prefect import tracking_uri

pytestmark = [pytest.mark.flow, pytest.mark.filterwarnings("ignore")]  # MLflow's deprecations

Run = Callable[..., subprocess.CompletedProcess[str]]
GRID = """
[comparison]
name = "two"
losses = ["supervised_contrastive", "prototypical"]
fusions = ["weighted_sum"]
encoders = ["linear"]
seeds = [2021]
"""


def compare(run_flows: Run, data_root: Path, config: Path) -> dict[str, object]:
    done = run_flows(data_root, "--config", str(config), "compare_runs", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def compared(
    finished: Path, small_config: Path, run_flows: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, object]]:
    place = tmp_path_factory.mktemp("compared")
    shutil.copytree(finished, place / "data")
    config = place / "grid.toml"
    config.write_text(small_config.read_text() + GRID)
    return place / "data", config, compare(run_flows, place / "data", config)


def test_cells_are_runs_below_one_with_the_same_names(
    compared: tuple[Path, Path, dict[str, object]],
) -> None:
    from mlflow import MlflowClient

    data_root, _, found = compared
    assert (found["cells"], found["trained"]) == (2, 1)  # `make run` had trained the other
    client = MlflowClient(tracking_uri=tracking_uri(DataLayout.at(data_root)))
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    (parent,) = client.search_runs(ids, "tags.grid = 'two' and tags.cells = '2'")
    wanted = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    one, other = client.search_runs(ids, wanted)
    assert one.data.params.keys() == other.data.params.keys()
    assert {"loss", "fusion", "encoder", "seed", "features.text_dim"} <= one.data.params.keys()
    shared = one.data.metrics.keys() & other.data.metrics.keys()
    assert {"val_score", "val_score_raw", "val_score_chance", "val_known_top1"} <= shared
    assert {"train_loss", "frozen_dish_full_recall_at_1", "frozen_trained_on"} <= shared
    for tag in ("catalog_id", "features_id", "pairs_id", "frozen_set_sha256", "cell.loss"):
        assert tag in one.data.tags
    for tag in ("catalog_id", "features_id", "pairs_id", "frozen_set_sha256"):
        assert one.data.tags[tag] == other.data.tags[tag]
    digests = [
        {i.dataset.name: i.dataset.digest for i in run.inputs.dataset_inputs}
        for run in (one, other)
    ]
    assert digests[0]["training"] == digests[1]["training"]
    assert digests[0]["frozen-v1"] == digests[1]["frozen-v1"]
    logged = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"leaderboard.csv", "leaderboard.json", "leaderboard.html"} <= logged
    tested = [run for run in (one, other) if "dish_full_recall_at_1" in run.data.metrics]
    assert [run.data.tags["model_id"] for run in tested] == [parent.data.tags["chosen_model_id"]]


def test_a_finished_grid_trains_nothing_and_current_stays(
    compared: tuple[Path, Path, dict[str, object]], finished: Path, run_flows: Run
) -> None:
    data_root, config, first = compared
    again = compare(run_flows, data_root, config)
    assert again["trained"] == 0
    assert again["chosen"] == first["chosen"]
    for kind in ("model", "features", "evaluation"):
        current, before = (
            ArtifactStore(DataLayout.at(root)).latest(kind).id for root in (data_root, finished)
        )
        assert current == before
