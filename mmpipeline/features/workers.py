"""Encoding on all cores: worker processes, started only when they are worth their start.

A worker takes some seconds to start, more than most refreshes have to encode. So this process
begins alone, and starts workers once it has encoded for `PATIENCE_S` and there is more to do. An
encoder gives a photo or text the same bits in any process, so when they start changes no result.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Self, TypeVar

from mmpipeline.config.features import FeatureConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.parallel import SharingExecutor, Workers

PATIENCE_S = 5.0
_CHUNK = 16

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = Callable[[EncoderSet, Sequence[Item]], list[Result]]


class EncodingWorkers:
    """Runs encoding tasks here and, for long work, in other processes too.

    Parameters
    ----------
    config
        What the encoders of each process are built from.
    processes
        How many in all, None means one a core; or workers to take instead, from the first item on.
    """

    def __init__(self, config: FeatureConfig, processes: int | Workers | None = None) -> None:
        self._config = config
        self._lent = processes if isinstance(processes, Workers) else None
        own = None if isinstance(processes, Workers) else processes
        self._processes = own or os.cpu_count() or 1
        self._spent_s = 0.0
        self._own: SharingExecutor | None = None

    def map(self, task: Task[Item, Result], items: Sequence[Item]) -> list[Result]:
        """Encode items.

        Parameters
        ----------
        task
            A function of a module: encoders and a few items to as many results.
        items
            What can be sent to another process.

        Returns
        -------
        list
            Results in the order of the items.
        """
        chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
        if self._lent is not None or self._is_worth_workers(len(chunks)):
            executor = self._lent.executor if self._lent else self._start_own()
            futures = [executor.submit(_run, task, self._config, chunk) for chunk in chunks]
            return [result for future in futures for result in future.result()]
        started = time.perf_counter()
        results = [result for chunk in chunks for result in _run(task, self._config, chunk)]
        self._spent_s += time.perf_counter() - started
        return results

    def _start_own(self) -> SharingExecutor:
        self._own = self._own or SharingExecutor(self._processes)
        return self._own

    def _is_worth_workers(self, chunks: int) -> bool:
        is_long = self._own is not None or self._spent_s >= PATIENCE_S
        return self._processes > 1 and chunks > 1 and is_long

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End those that were started here."""
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)


def _run(task: Task[Item, Result], config: FeatureConfig, items: Sequence[Item]) -> list[Result]:
    return task(_encoders(config), items)


@lru_cache(maxsize=2)
def _encoders(config: FeatureConfig) -> EncoderSet:
    return EncoderSet.build(config)
