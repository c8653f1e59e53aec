"""Worker processes, and this process doing its share while it waits for them.

A process costs a hundred megabytes before it has read anything, so on two cores one worker beside
the caller does the work of two. Every n-th task is kept and done when its result is asked for;
meanwhile the others are under way.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class SharingExecutor(Executor):
    """Runs tasks in this process and in others, for a caller who asks for results in order.

    Parameters
    ----------
    processes
        How many in all; with one there is no worker.
    """

    def __init__(self, processes: int) -> None:
        # Forking a process that has threads (Arrow, the database, Prefect) may lock up the child.
        context = multiprocessing.get_context("spawn")
        self._workers = ProcessPoolExecutor(processes - 1, context) if processes > 1 else None
        self._processes = processes
        self._submitted = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand a task to a worker, or keep it."""
        self._submitted += 1
        if self._workers is None or self._submitted % self._processes == 0:
            return _KeptFuture(lambda: fn(*args, **kwargs))
        return self._workers.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers."""
        if self._workers is not None:
            self._workers.shutdown(wait=wait, cancel_futures=cancel_futures)


class _KeptFuture(Future[T]):
    """Does its task when the result is asked for."""

    def __init__(self, task: Callable[[], T]) -> None:
        super().__init__()
        self._task = task

    def result(self, timeout: float | None = None) -> T:
        if self.set_running_or_notify_cancel():
            self.set_result(self._task())
        return super().result(timeout)
