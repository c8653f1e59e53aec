"""One thread per matrix product, so that a vector does not depend on how many cores there are.

A product that is shared between threads, or made for several rows at once, sums in another order
and ends in other last bits. Encoders of floating point therefore encode one item at a time inside
`one_thread`. One caller at a time may be inside: the limit belongs to the process, not to a thread.
Extraction keeps both cores busy with worker processes instead.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

_LOCK = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: numpy's BLAS, and torch where it is loaded.

    Yields
    ------
    None
        While the limit holds; others who want in wait.
    """
    with _LOCK, _controller().limit(limits=1, user_api="blas"):
        torch = sys.modules.get("torch")
        before = torch.get_num_threads() if torch is not None else 1
        if torch is None or before == 1:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks for the loaded libraries, which takes milliseconds
