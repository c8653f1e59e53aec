"""The run of a grid, and what its cells are called."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmpipeline.config import ComparisonConfig, PipelineConfig, TrainConfig
from mmpipeline.storage import DataLayout
from mmpipeline.training.pairs.validation import measure_baselines
from tasks.servers.prefect import tracking_uri
from tasks.stages import comparison
from tasks.stages.comparison import describe_run, grid_run, measure_score_baselines, plan_cells
from tasks.tracking.store import PARENT_TAG
from tests.training.conftest import world  # noqa: F401 -- a fixture

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations are not ours
FEW = ComparisonConfig(losses=("info_nce",), fusions=("gated",), seeds=(1, 2))


def test_a_grid_has_one_run_by_its_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from mlflow import MlflowClient

    with caplog.at_level(logging.INFO, logger="mmpipeline.run"), grid_run(FEW, tmp_path) as first:
        pass
    grown = FEW.model_copy(update={"seeds": (1, 2, 3)})
    with grid_run(grown, tmp_path) as again:
        assert again.run_id == first.run_id
    with grid_run(FEW.model_copy(update={"name": "other"}), tmp_path) as other:
        assert other.run_id != first.run_id
    client = MlflowClient(tracking_uri=tracking_uri(DataLayout.at(tmp_path)))
    run = client.get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["cells"] == "3"


def test_cells_are_children_with_their_axes_as_tags(tmp_path: Path) -> None:
    cells = plan_cells(PipelineConfig(comparison=FEW))
    with grid_run(FEW, tmp_path) as parent:
        how = describe_run(cells[1], FEW, parent)
    assert how.name == "info_nce gated linear default 2"
    assert how.tags[PARENT_TAG] == parent.run_id
    assert (how.tags["grid"], how.tags["cell.loss"], how.tags["cell.seed"]) == (
        "grid",
        "info_nce",
        "2",
    )


def test_what_cells_share_is_measured_once(
    world: SimpleNamespace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []

    def count(features: Path, pairs: Path, seed: int) -> dict[str, float]:
        measured.append(seed)
        return measure_baselines(features, pairs, seed)

    monkeypatch.setattr(comparison, "measure_baselines", count)
    configs = [TrainConfig(seed=1), TrainConfig(seed=1, loss="info_nce"), TrainConfig(seed=2)]
    baselines = [
        measure_score_baselines.fn(world.features, world.pairs, config) for config in configs
    ]
    assert measured == [1, 2]
    assert baselines[0] == baselines[1]
    assert set(baselines[0]) == {"val_score_raw", "val_score_chance"}
