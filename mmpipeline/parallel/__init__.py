"""Parallel map work of a stage: on processes of this machine, or of a cluster.

The library hands tasks to a `concurrent.futures.Executor` and asks for results in order, so
where they are computed changes no result. `SharingExecutor` is this machine's;
`Workers` stands for whoever else offers hands.
"""

from mmpipeline.parallel.sharing import SharingExecutor
from mmpipeline.parallel.workers import Workers

__all__ = ["SharingExecutor", "Workers"]
