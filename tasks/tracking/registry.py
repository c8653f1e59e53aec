"""The MLflow model registry: index versions under the aliases champion and challenger.

A registered version is a script and a pointer (`pyfunc_model.py`), linked to the run that trained
its model. The registry follows CURRENT and never decides: what it cannot be told now, it is told by
the next run of publish_index, and until then the doctor reports the difference.
"""

import io
import json
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpipeline.errors import ArtifactError
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.locations import path_of
from mmpipeline.storage.manifest import Artifact, open_artifact
from tasks.runtime.stage import log
from tasks.servers.prefect import tracking_uri
from tasks.tracking.model_card import describe_index
from tasks.tracking.store import absences, connect, find_or_make_experiment

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_NAME = "recipe-search"
QUERY_COLUMNS = ("title", "ingredients", "steps")
PURPOSE = (
    "Finds the recipes most alike to a title, ingredients and steps. `champion` answers; "
    "`challenger` is the newest version that the gate refused, if any."
)
SCRIPT = Path(__file__).with_name("pyfunc_model.py")


def name_versions(layout: DataLayout, wanted: Mapping[str, str | None]) -> bool:
    """Make aliases name index versions, registering those that are not yet.

    Parameters
    ----------
    layout
        The data folder.
    wanted
        Index version by alias; None takes the alias away.

    Returns
    -------
    bool
        Whether the registry was told; if not, a line says why.
    """
    away: tuple[type[Exception], ...] = (*absences(), ArtifactError)
    try:
        client = connect(layout)
        for alias, version in wanted.items():
            if version is None:
                _drop_alias(client, alias)
                continue
            number = _registered(client, version) or _register(layout, client, version)
            client.set_registered_model_alias(MODEL_NAME, alias, number)
            _describe(layout, client, version, number)
    except away as error:
        log.warning("The model registry could not be told (%s); the next run will.", error)
        return False
    return True


def _registered(client: "MlflowClient", version: str) -> str | None:
    """Return the number under which an index version is registered, with its files."""
    found = client.search_model_versions(f"name = '{MODEL_NAME}'")
    numbers = (str(v.version) for v in found if v.tags.get("index_version") == version)
    return next((number for number in numbers if _has_files(client, number)), None)


def _has_files(client: "MlflowClient", number: str) -> bool:
    """Tell whether the files of a registered version are there, where that can be told.

    What was registered in a copy of the data folder, before places followed it, lies elsewhere.
    """
    place = path_of(client.get_model_version_download_uri(MODEL_NAME, number))
    return place is None or Path(place, "MLmodel").is_file()


def _drop_alias(client: "MlflowClient", alias: str) -> None:
    found = client.search_registered_models(f"name = '{MODEL_NAME}'")
    if found and alias in found[0].aliases:
        client.delete_registered_model_alias(MODEL_NAME, alias)


def _register(layout: DataLayout, client: "MlflowClient", version: str) -> str:
    """Log the model with the run that trained it, and register it; return its number."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    columns: list[Any] = [ColSpec("string", name, required=False) for name in QUERY_COLUMNS]
    signature = ModelSignature(Schema(columns), params=ParamSchema([ParamSpec("k", "long", 5)]))
    index = open_artifact(layout.artifacts("index") / version, "index")
    mlflow.set_tracking_uri(tracking_uri(layout))
    # MLflow tells its progress on standard error, which is for what goes wrong.
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        pointer = Path(folder) / "pointer.json"
        pointer.write_text(json.dumps({"data_root": str(layout.root), "version": version}))
        run = _run_of(layout, index)
        place = None if run else find_or_make_experiment(client, layout)
        with mlflow.start_run(run_id=run, experiment_id=place):
            logged = mlflow.pyfunc.log_model(
                name="search",
                python_model=str(SCRIPT),
                artifacts={"pointer": str(pointer)},
                registered_model_name=MODEL_NAME,
                signature=signature,
                pip_requirements=["mmpipeline"],
            )
    number = str(logged.registered_model_version)
    client.set_model_version_tag(MODEL_NAME, number, "index_version", version)
    client.update_registered_model(MODEL_NAME, PURPOSE)
    return number


def _describe(layout: DataLayout, client: "MlflowClient", version: str, number: str) -> None:
    """Let a version's page say what is known of it by now."""
    index = open_artifact(layout.artifacts("index") / version, "index")
    page = describe_index(layout, index)
    if client.get_model_version(MODEL_NAME, number).description != page:
        client.update_model_version(MODEL_NAME, number, page)


def _run_of(layout: DataLayout, index: Artifact) -> str | None:
    """Return the run that trained an index's model; None starts a new one."""
    try:
        folder = layout.artifacts("model") / index.manifest.inputs["model"]
        run: str | None = open_artifact(folder, "model").manifest.notes.get("mlflow_run_id")
    except (ArtifactError, KeyError):
        return None
    return run
