"""The run of a training: its name, its tags and parameters, the pair table as its data set."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from mmpipeline.storage.manifest import Artifact

if TYPE_CHECKING:
    from tasks.tracking.tracked_run import TrackedRun

PAIR_COLUMNS = ["split", "kind", "label", "language_pair"]


@dataclass(frozen=True, slots=True)
class GridRun:
    """How the run of a cell is called and tagged.

    Attributes
    ----------
    name
        Its name.
    tags
        Its tags; the one of MLflow that names the parent makes it a child.
    """

    name: str
    tags: dict[str, str]


def describe_inputs(model_id: str, features: Artifact, pairs: Artifact) -> dict[str, str]:
    """Return the tags that name a model and what it was trained from."""
    tags = {"model_id": model_id, "features_id": features.id, "pairs_id": pairs.id}
    return tags | {"catalog_id": pairs.manifest.inputs["catalog"]}


def describe_encoders(features: Artifact) -> dict[str, object]:
    """Return the parameters that say how features were made, named ``features.KEY``."""
    return {f"features.{name}": value for name, value in features.manifest.config.items()}


def log_pairs(run: "TrackedRun", pairs: Artifact) -> None:
    """Log the pair table as the run's data set: how many pairs of each sort it holds."""
    table = pq.read_table(pairs.file("pairs.parquet"), columns=PAIR_COLUMNS)
    counts = table.group_by(PAIR_COLUMNS).aggregate([([], "count_all")]).to_pandas()
    run.log_dataset(counts.sort_values(PAIR_COLUMNS), "training", pairs.folder)
