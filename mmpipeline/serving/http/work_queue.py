"""A bounded queue in front of a few threads: what does not fit is told so at once.

Answers are made in threads, one a core, because they compute (numpy and torch release the
interpreter for it) and the event loop must stay free to refuse, to time and to hand over bodies.
A queue without a bound would let everybody wait ever longer; with one, whoever is not let in
learns it in a millisecond and may come back.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mmpipeline.serving.http.errors import RefusedError

Answer = TypeVar("Answer")


class WorkQueue:
    """Runs blocking work in threads, as much at once as there are places.

    Parameters
    ----------
    workers
        Threads; 0 means one a core.
    places
        Pieces of work that are done or wait at one time.
    """

    def __init__(self, workers: int, places: int) -> None:
        self._pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, "answer")
        self._places = places
        self._taken = 0

    @property
    def taken(self) -> int:
        """How many places are taken now."""
        return self._taken

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do a piece of work in a thread.

        Parameters
        ----------
        work
            The work.

        Returns
        -------
        object
            What it returns.

        Raises
        ------
        RefusedError
            If all places are taken; with status 503.
        """
        if self._taken >= self._places:
            raise RefusedError(503, "overloaded", "too many questions at once; ask again soon")
        self._taken += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # The place is free when the work is done, which a client that hangs up does not end.
        future.add_done_callback(self._free)
        return await asyncio.shield(future)

    def _free(self, _: object) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Let the threads end when what they do is done."""
        self._pool.shutdown(wait=False, cancel_futures=True)
