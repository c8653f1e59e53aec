"""The address of a run's page in MLflow, on whichever server shows it."""

from mmpipeline.config.environment import load_settings
from mmpipeline.storage.layout import DataLayout
from tasks.servers.prefect import HOST
from tasks.tracking.store import absences, connect


def page_of(layout: DataLayout, run_id: str | None) -> str | None:
    """Return the address of a run's page: on the server that is logged to, else that of `make ui`.

    Parameters
    ----------
    layout
        The data folder.
    run_id
        The run's id; None when the store was away when it was made.

    Returns
    -------
    str or None
        None while the store is away or does not have the run.
    """
    if run_id is None:
        return None
    settings = load_settings()
    server = settings.mlflow_uri or f"http://{HOST}:{settings.mlflow_port}"
    try:
        experiment = connect(layout).get_run(run_id).info.experiment_id
    except absences():
        return None
    return f"{server.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
