"""MLflow's tracking store, which no other module speaks to.

The store is embedded SQLite under the data folder, or the server that ``MMPIPELINE_MLFLOW_URI``
names. What is to be logged comes as entries of plain JSON (see `metric_spool`), so that it is sent
in the same way now or later. Runs are kept by `tracked_run`.
"""

import logging
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmpipeline.errors import BusyError
from mmpipeline.storage.atomic import fsync_file
from mmpipeline.storage.held import hold_folder
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.locations import TRACKED_FILES, follow, local_place
from tasks.runtime.locations import settle_locations
from tasks.servers.prefect import STORE_FILE, embedded_store, tracking_uri
from tasks.tracking.metric_spool import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "fusion-model"
PARENT_TAG = "mlflow.parentRunId"
REFUSALS = {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"}


def send(
    client: "MlflowClient", layout: DataLayout, run_id: str, entry: Entry, *, first_try: bool
) -> None:
    """Send one entry.

    Parameters
    ----------
    client
        From `connect`.
    layout
        The data folder.
    run_id
        The run's id.
    entry
        ``what``, ``value``, ``time`` in ms; with metrics ``step``, with files ``later`` and, for a
        folder among the run's artifacts, ``place``.
    first_try
        Whether it happens just now; later, files are looked for where they lie then.
    """
    value: Any = entry["value"]
    if entry["what"] == "files":
        folder = value if first_try else str(local_place(layout, entry["later"]))
        if Path(folder).is_dir():
            _send_files(client, run_id, folder, entry.get("place"))
    elif entry["what"] == "status":
        _send_status(client, run_id, value, entry["time"])
    else:
        if entry["what"] == "dataset":
            value = {**value, "source": follow(layout, value["source"])[0]}
        _send_values(client, run_id, entry, value)


def _send_values(client: "MlflowClient", run_id: str, entry: Entry, value: dict[str, Any]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    match entry["what"]:
        case "params":
            client.log_batch(run_id, params=[Param(k, v) for k, v in value.items()])
        case "metrics":
            at, step = entry["time"], entry["step"]
            client.log_batch(run_id, [Metric(k, v, at, step) for k, v in value.items()])
        case "tags":
            client.log_batch(run_id, tags=[RunTag(k, v) for k, v in value.items()])
        case "dataset":
            tags = [InputTag("mlflow.data.context", value["name"])]
            client.log_inputs(run_id, [DatasetInput(Dataset(**value), tags)])


def _send_files(client: "MlflowClient", run_id: str, folder: str, place: str | None) -> None:
    """Send a folder's files to where the store says now.

    The client's own method remembers a place by the run's id alone, for the length of the process:
    in a copy of a data folder it would go on with the original's.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    where = client.get_run(run_id).info.artifact_uri
    repository: Any = get_artifact_repository(where, tracking_uri=client.tracking_uri)
    repository.log_artifacts(folder, place)


def _send_status(client: "MlflowClient", run_id: str, status: str, at: int) -> None:
    if status == "RUNNING":
        client.update_run(run_id, status=status)
    else:
        client.set_terminated(run_id, status, end_time=at)


def create_run_of(client: "MlflowClient", layout: DataLayout, head: Entry) -> str:
    """Make a run in the store and return its id.

    Parameters
    ----------
    client
        From `connect`.
    layout
        The data folder.
    head
        ``name``, ``tags``, ``time`` in ms, ``key``, which becomes the tag ``spool``, and perhaps
        ``experiment``.
    """
    tags = {**head["tags"], "spool": head["key"]}
    experiment = find_or_make_experiment(client, layout, head.get("experiment", EXPERIMENT))
    run = client.create_run(experiment, head["time"], tags, run_name=head["name"])
    return str(run.info.run_id)


def find_by_tags(client: "MlflowClient", tags: Mapping[str, str]) -> str | None:
    """Return the id of the newest run with some tags, or None.

    Parameters
    ----------
    client
        From `connect`.
    tags
        All of them must be equal; without any, nothing is found.
    """
    known = [experiment.experiment_id for experiment in client.search_experiments()]
    if not tags:
        return None
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found = client.search_runs(known, wanted, max_results=1)
    return str(found[0].info.run_id) if found else None


def absences() -> tuple[type[Exception], ...]:
    """Return what is raised when the store is away, locked, or refuses (`is_refusal`)."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError, BusyError)


def is_refusal(error: Exception) -> bool:
    """Tell an answer that will not change from a store that does not answer."""
    return getattr(error, "error_code", "") in REFUSALS


def connect(layout: DataLayout) -> "MlflowClient":
    """Return a client of the store; what it raises when the store is away, `absences` names.

    Parameters
    ----------
    layout
        The data folder.
    """
    # A store that is away shall cost seconds: by itself MLflow tries for some minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # migrations of a new store
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # tracebacks of locks
    if tracking_uri(layout) == embedded_store(layout):
        make_store(layout)
        settle_locations(layout.root)
    return MlflowClient(tracking_uri=tracking_uri(layout))


def make_store(layout: DataLayout) -> None:
    """Make the embedded store if there is none: whole, or not at all.

    MLflow makes its tables in some fifty migrations that SQLite commits one by one, and cannot go
    on from a state between them, as a killed process would leave it.

    Parameters
    ----------
    layout
        The data folder.
    """
    store = layout.state / STORE_FILE
    if store.exists():
        return
    from mlflow import MlflowClient

    with hold_folder(layout.temporary, "mlflow") as folder:
        draft, whole = folder / "draft.db", folder / STORE_FILE
        MlflowClient(tracking_uri=f"sqlite:///{draft}").search_experiments()
        with closing(sqlite3.connect(draft, isolation_level=None)) as tables:
            # MLflow gives its experiment `Default` a folder where this process happens to run.
            tables.execute("UPDATE experiments SET artifact_location = ?", [files_of(layout)])
            tables.execute("VACUUM INTO ?", [str(whole)])
        fsync_file(whole)
        with suppress(FileExistsError):  # another process was faster: its store is the store
            store.hardlink_to(whole)


def find_or_make_experiment(
    client: "MlflowClient", layout: DataLayout, name: str = EXPERIMENT
) -> str:
    """Return the id of an experiment, which is made if there is none of this name.

    Parameters
    ----------
    client
        From `connect`.
    layout
        The data folder, which takes the files of its runs where the store is the embedded one.
    name
        Its name.
    """
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    is_embedded = tracking_uri(layout) == embedded_store(layout)
    location = files_of(layout) if is_embedded else None
    return str(client.create_experiment(name, artifact_location=location))


def files_of(layout: DataLayout) -> str:
    """Return where the embedded store keeps the files of runs and models, as an address."""
    return layout.root.joinpath(*TRACKED_FILES).as_uri()


def last_step(layout: DataLayout, run_id: str) -> int:
    """Return the last step that a run has metrics of; -1 for none.

    Parameters
    ----------
    layout
        The data folder.
    run_id
        The run's id.
    """
    client = connect(layout)
    steps = [
        metric.step
        for name in list(client.get_run(run_id).data.metrics)[:1]
        for metric in client.get_metric_history(run_id, name)
    ]
    return max(steps, default=-1)


def tags_of(layout: DataLayout, run_id: str) -> dict[str, str]:
    """Return a run's tags.

    Parameters
    ----------
    layout
        The data folder.
    run_id
        The run's id.
    """
    return dict(connect(layout).get_run(run_id).data.tags)


def describe_dataset(frame: pd.DataFrame, name: str, source: Path) -> dict[str, Any]:
    """Return the entry value that describes a data set.

    Parameters
    ----------
    frame
        A small table that describes it; its digest tells data sets apart.
    name
        Name of the data set.
    source
        Where it lies.

    Returns
    -------
    dict
        Plain JSON.
    """
    from mlflow.data.pandas_dataset import from_pandas

    return dict(from_pandas(frame, source=str(source), name=name)._to_mlflow_entity())
