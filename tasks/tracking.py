"""Experiment tracking: the only module that speaks to MLflow's tracking store.

The training loop knows a `MetricLogger`; this is the one that writes to MLflow. Metrics are sent
in batches, since one at a time costs fifty times as much. The store is embedded SQLite under the
data folder; no server is needed, and `make ui` shows it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmpipeline.storage import DataLayout
from tasks.servers import tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "fusion-model"
MAX_PARAM_CHARACTERS = 500


class TrackedRun:
    """One MLflow run, as the `MetricLogger` of the library.

    Parameters
    ----------
    client
        A client bound to the store.
    run_id
        The run's id.
    """

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self._client = client
        self.run_id = run_id

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, once a run."""
        from mlflow.entities import Param

        self._client.log_batch(
            self.run_id,
            params=[Param(k, str(v)[:MAX_PARAM_CHARACTERS]) for k, v in params.items()],
        )

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log the metrics of one step (an epoch, in training) in one call."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(
            self.run_id, metrics=[Metric(k, float(v), now, step) for k, v in metrics.items()]
        )

    def log_dataset(self, frame: pd.DataFrame, name: str, source: Path) -> None:
        """Log which data the run was trained on.

        Parameters
        ----------
        frame
            A small table that describes it; its digest tells data sets apart.
        name
            Name of the data set.
        source
            Where it lies.
        """
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        dataset = from_pandas(frame, source=str(source), name=name)
        entry = DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", name)])
        self._client.log_inputs(self.run_id, [entry])

    def log_files(self, folder: Path) -> None:
        """Log every file of a folder as the run's artifacts."""
        self._client.log_artifacts(self.run_id, str(folder))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags on the run."""
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, value)


@contextmanager
def tracked_run(layout: DataLayout, name: str, tags: Mapping[str, str]) -> Iterator[TrackedRun]:
    """Open a new run; it ends FINISHED, or FAILED when the block raises.

    Parameters
    ----------
    layout
        The data folder whose store is used.
    name
        The run's name in the UI.
    tags
        What to find it by: versions of its inputs.

    Yields
    ------
    TrackedRun
        To log to.
    """
    client = _client(layout)
    run = client.create_run(_experiment(client, layout), run_name=name, tags=dict(tags))
    try:
        yield TrackedRun(client, run.info.run_id)
    except BaseException:
        client.set_terminated(run.info.run_id, "FAILED")
        raise
    client.set_terminated(run.info.run_id, "FINISHED")


def reopen_run(layout: DataLayout, run_id: str) -> TrackedRun | None:
    """Return an earlier run to log more to; None when the store no longer has it."""
    from mlflow.exceptions import MlflowException

    client = _client(layout)
    try:
        client.get_run(run_id)
    except MlflowException:
        return None
    return TrackedRun(client, run_id)


def _client(layout: DataLayout) -> "MlflowClient":
    import logging

    logging.getLogger("alembic").setLevel(logging.WARNING)  # migrations of a new store
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    layout.state.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=tracking_uri(layout))


def _experiment(client: "MlflowClient", layout: DataLayout) -> str:
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    location = (layout.state / "mlflow-artifacts").as_uri()
    return str(client.create_experiment(EXPERIMENT, artifact_location=location))
