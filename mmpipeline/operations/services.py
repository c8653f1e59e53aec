"""The doctor's checks of services beyond the data folder.

Whatever is not set is not looked at. Each check speaks to the real thing, for some seconds at most,
and leaves nothing there.
"""

import os
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from queue import Empty, Queue
from urllib.parse import urlsplit

import requests

from mmpipeline.config.environment import EnvironmentSettings
from mmpipeline.errors import ConfigError, SharedStorageError
from mmpipeline.operations.finding import Finding

PATIENCE_S = 20.0
"""What a service gets to answer in."""
LOCAL_CLUSTER = "local"
DASK_PACKAGES = ("distributed", "prefect_dask")
_UNSET_DASK = "unset MMPIPELINE_DASK to compute on this machine"


def check_services(settings: EnvironmentSettings) -> Iterator[Finding]:
    """Look at everything that the environment names.

    Parameters
    ----------
    settings
        What the environment says.

    Yields
    ------
    Finding
        One a setting that is set: how training is shared, its GPUs, MLflow server, Dask cluster,
        shared storage.
    """
    if settings.train_processes > 1:
        yield check_processes(settings.train_processes)
    if settings.device == "cuda":
        yield check_gpus(settings.train_processes)
    if settings.mlflow_uri is not None:
        yield check_mlflow(settings.mlflow_uri)
    if settings.dask is not None:
        yield check_dask(settings.dask)
    if settings.shared is not None:
        yield check_shared(settings.shared)


def check_processes(processes: int) -> Finding:
    """Compare the processes that train together with the cores of this machine.

    Parameters
    ----------
    processes
        At least 1.

    Returns
    -------
    Finding
        A warning when some would wait for others.
    """
    cores = os.cpu_count() or 1
    found = f"{processes} that train together, on {cores} cores"
    if processes <= cores:
        return Finding("training processes", "ok", found)
    advice = f"set MMPIPELINE_TRAIN_PROCESSES to {cores} at most: each batch waits for the slowest"
    return Finding("training processes", "warning", found, advice)


def check_gpus(processes: int) -> Finding:
    """Count the GPUs that torch sees.

    Parameters
    ----------
    processes
        That train together, each on a GPU of its own.

    Returns
    -------
    Finding
        A problem when there are too few: training and publishing would not begin.
    """
    import torch  # for whoever asks for a GPU

    gpus = torch.cuda.device_count()
    found = f"torch {torch.__version__} sees {gpus}, {processes} wanted"
    if gpus >= processes:
        return Finding("GPUs", "ok", found)
    advice = "install torch for CUDA, or set MMPIPELINE_DEVICE=auto"
    return Finding("GPUs", "problem", found, advice)


def check_mlflow(uri: str) -> Finding:
    """Ask the MLflow server whether it is well.

    Parameters
    ----------
    uri
        Its address; a password in it is not repeated.

    Returns
    -------
    Finding
        A warning when it does not answer as one: training goes on without it.
    """
    where = _without_password(uri)
    try:
        answer = requests.get(f"{uri.rstrip('/')}/health", auth=_login(), timeout=PATIENCE_S / 4)
    except requests.RequestException as error:
        found = f"{where} does not answer ({type(error).__name__})"
    else:
        if answer.ok and answer.text.strip() == "OK":
            return Finding("MLflow server", "ok", f"{where} answers")
        found = f"{where} answers {answer.status_code}, and not as MLflow does"
    advice = (
        "start it, or mend or unset MMPIPELINE_MLFLOW_URI; until then runs keep their figures and "
        "send them later"
    )
    return Finding("MLflow server", "warning", found, advice)


def _login() -> tuple[str, str] | None:
    """Return user and password as MLflow's own client takes them."""
    user, password = (
        os.environ.get(f"MLFLOW_TRACKING_{part}") for part in ("USERNAME", "PASSWORD")
    )
    return (user, password) if user and password else None


def check_dask(address: str) -> Finding:
    """Look for the workers of the Dask cluster.

    Parameters
    ----------
    address
        Of its scheduler, or ``local:N``.

    Returns
    -------
    Finding
        A problem when stages that map could not run.
    """
    missing = [name for name in DASK_PACKAGES if find_spec(name) is None]
    if missing:
        advice = "pip install 'mmpipeline[dask]', or unset MMPIPELINE_DASK"
        return Finding("Dask cluster", "problem", f"{', '.join(missing)} missing", advice)
    name, _, count = address.partition(":")
    if name == LOCAL_CLUSTER:
        return _check_local_cluster(int(count or os.cpu_count() or 1))
    try:
        threads = _count_threads(address)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        advice = f"start it (dask scheduler) and open its port to here, or {_UNSET_DASK}"
        return Finding("Dask cluster", "problem", f"{address}: {reason}", advice)
    if not threads:
        advice = f"start workers (dask worker {address}), or {_UNSET_DASK}"
        return Finding("Dask cluster", "problem", f"{address} has no worker", advice)
    found = f"{address}: {len(threads)} workers, {sum(threads.values())} threads"
    return Finding("Dask cluster", "ok", found)


def _check_local_cluster(processes: int) -> Finding:
    cores = os.cpu_count() or 1
    found = f"{processes} processes of this machine, on {cores} cores"
    if processes <= cores:
        return Finding("Dask cluster", "ok", found)
    advice = f"set MMPIPELINE_DASK=local:{cores}, or {_UNSET_DASK}"
    return Finding("Dask cluster", "warning", found, advice)


def _count_threads(address: str) -> dict[str, int]:
    """Return the threads of each worker that a scheduler knows."""
    from distributed import Client

    with Client(address, timeout=PATIENCE_S / 4, set_as_default=False) as client:
        return dict(client.nthreads())


def check_shared(url: str) -> Finding:
    """Write, read and remove something in the shared storage.

    Parameters
    ----------
    url
        Where it lies.

    Returns
    -------
    Finding
        A problem when the address cannot be used, a warning when the storage refuses or is away:
        runs then compute here what they would have fetched.
    """
    from mmpipeline.storage.shared import SharedStorage

    name = "shared storage"
    try:
        storage = SharedStorage.open(url)
        is_there = _within(PATIENCE_S, storage.probe)
    except ConfigError as error:
        return Finding(name, "problem", str(error), "mend or unset MMPIPELINE_SHARED")
    except (SharedStorageError, TimeoutError) as error:
        advice = (
            "see to its credentials (AWS_ACCESS_KEY_ID, ...), address (AWS_ENDPOINT_URL) and "
            "rights, or unset MMPIPELINE_SHARED; until then runs compute and share later"
        )
        return Finding(name, "warning", str(error), advice)
    if not is_there:
        advice = "nothing to do if it is new, the first run makes it; else mount it"
        return Finding(name, "warning", f"{storage.url} does not exist", advice)
    return Finding(name, "ok", f"{storage.url} can be read and written")


def _within(seconds: float, call: Callable[[], bool]) -> bool:
    """Return what a call returns, unless it takes too long.

    Raises
    ------
    TimeoutError
        If it does; it is left to itself.
    """
    answers: Queue[bool | Exception] = Queue()

    def attempt() -> None:
        try:
            answers.put(call())
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            answers.put(error)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
