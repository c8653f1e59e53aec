"""Workers for the map stages from a Dask cluster, when `MMPIPELINE_DASK` names one.

prefect-dask connects to the cluster, or starts a temporary one on this machine (``local:N``).
Only small tasks go there: a block of a dump, some pages, some photos. The stage itself stays in the
flow's process, which alone writes, so nothing on a worker has to be cleaned up. A task whose
worker dies is given to another one; a cluster that is away is an error, since computing a large
dump here unasked would take a night nobody planned.

Dask sends tasks as pickles between caller, scheduler and workers. They are not stored; the
cluster's ports must be open to its own machines only.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from mmpipeline.config.environment import load_settings
from mmpipeline.errors import ConfigError, StageError
from mmpipeline.parallel.remote import Caller, run_for
from mmpipeline.parallel.workers import Workers
from mmpipeline.storage.held import hold_folder
from mmpipeline.storage.layout import DataLayout

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as RemoteFuture

P = ParamSpec("P")
T = TypeVar("T")

LOCAL = "local"
CONNECT_S = 20.0
PATIENCE_S = 60.0  # without a single worker
_LOOK_EVERY_S = 2.0
_NEXT_STEP = "start it, or unset MMPIPELINE_DASK to compute on this machine"


@contextmanager
def cluster_workers(layout: DataLayout) -> Iterator[Workers | None]:
    """Connect to the cluster that the environment names, for the length of a block.

    Parameters
    ----------
    layout
        The data folder, which every worker must see at the same path.

    Yields
    ------
    Workers or None
        None when no cluster is named.

    Raises
    ------
    ConfigError
        If the packages for it are not installed.
    StageError
        If no scheduler answers, or it has no worker.
    """
    address = load_settings().dask
    if address is None:
        yield None
        return
    with ExitStack() as stack:
        client = _connect(address, stack)
        marker = stack.enter_context(_marker(layout))
        executor = ClusterExecutor(client, address, Caller.here(marker))
        yield Workers(executor, max(1, sum(client.nthreads().values())))


class ClusterExecutor(Executor):
    """Runs tasks on a Dask cluster, for a caller who asks for results in order.

    Parameters
    ----------
    client
        A connected `distributed.Client`.
    address
        Of the cluster, for messages.
    caller
        What every worker must share with this process.
    """

    def __init__(self, client: "Client", address: str, caller: Caller) -> None:
        self._client = client
        self._address = address
        self._caller = caller

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand a function of a module to the cluster."""
        remote = self._client.submit(run_for, self._caller, fn, *args, pure=False, **kwargs)
        return _ClusterFuture(remote, self)

    def collect(self, remote: "RemoteFuture") -> object:
        """Wait for a result.

        Parameters
        ----------
        remote
            A `distributed.Future`.

        Returns
        -------
        object
            What the task returned; what it raised is raised.

        Raises
        ------
        StageError
            If the cluster is gone, has had no worker for `PATIENCE_S`, or lost several workers
            over this task.
        TimeoutError
            If the task itself raised it.
        """
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        seen = time.monotonic()
        try:
            while True:
                try:
                    return remote.result(timeout=_LOOK_EVERY_S)
                except TimeoutError:
                    if remote.status == "error":  # the task's own
                        raise
                    seen = self._look_for_workers(seen)
        except KilledWorker as error:
            raise StageError(
                f"several workers of {self._address} died over one task ({error.task}); see "
                "whether they have memory enough, then run again"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise StageError(
                f"the Dask cluster {self._address} went away; {_NEXT_STEP}, and run again"
            ) from error

    def _look_for_workers(self, seen: float) -> float:
        """Return when there was a worker last.

        Raises
        ------
        StageError
            If that is too long ago.
        """
        if self._client.nthreads():
            return time.monotonic()
        if time.monotonic() - seen > PATIENCE_S:
            raise StageError(
                f"the Dask cluster {self._address} has lost all its workers; {_NEXT_STEP}"
            )
        return seen


class _ClusterFuture(Future[T]):
    """A task on the cluster; its result is waited for when it is asked for."""

    def __init__(self, remote: "RemoteFuture", executor: ClusterExecutor) -> None:
        super().__init__()
        self._remote = remote
        self._executor = executor

    def result(self, timeout: float | None = None) -> T:
        result = cast("T", self._executor.collect(self._remote))
        self._remote.release()
        return result

    def cancel(self) -> bool:
        self._remote.cancel()
        return super().cancel()


def _connect(address: str, stack: ExitStack) -> "Client":
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigError(
            "MMPIPELINE_DASK is set, but the packages for it are not installed; "
            "run pip install 'mmpipeline[dask]', or unset it"
        ) from error
    client_kwargs = {"timeout": CONNECT_S}
    name, _, count = address.partition(":")
    if name == LOCAL:
        cluster = {
            "n_workers": int(count or os.cpu_count() or 1),
            "threads_per_worker": 1,
            "processes": True,
            "host": "127.0.0.1",
            "dashboard_address": "127.0.0.1:0",
            "worker_dashboard_address": "127.0.0.1:0",
        }
        runner = DaskTaskRunner(cluster_kwargs=cluster, client_kwargs=client_kwargs)
    else:
        runner = DaskTaskRunner(address=address, client_kwargs=client_kwargs)
    try:
        client = stack.enter_context(runner).client
    except OSError as error:
        raise StageError(f"no Dask scheduler answers at {address}; {_NEXT_STEP}") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise StageError(f"the Dask cluster {address} has no worker; {_NEXT_STEP}") from error
    return client


@contextmanager
def _marker(layout: DataLayout) -> Iterator[Path]:
    """Make a folder that only those see who see the data folder."""
    with hold_folder(layout.temporary, "cluster") as marker:
        yield marker
