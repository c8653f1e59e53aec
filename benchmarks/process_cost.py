"""The cost of a piece of work in a process of its own: CPU, wall time, peak memory.

Children are counted. Memory is sampled as the sum over the process tree, so pages that parent and
children share count more than once; the true figure is at most the one given.
"""

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

_SAMPLE_S = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost.

    Attributes
    ----------
    cpu_s
        CPU seconds of the process and its children, without starting it.
    wall_s
        Wall time.
    peak_rss_mb
        Largest resident memory of the process and its children together.
    value
        What the call returned.
    """

    cpu_s: float
    wall_s: float
    peak_rss_mb: float
    value: Any


def measure(work: Callable[..., Any], *arguments: object) -> Cost:
    """Run a function of a module in a fresh process and measure it.

    Parameters
    ----------
    work
        The function; its result must be picklable.
    arguments
        Its arguments.

    Returns
    -------
    Cost
        The figures.

    Raises
    ------
    RuntimeError
        If the process fails.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sender, work, arguments))
    process.start()
    sender.close()
    try:
        cost: Cost = receiver.recv()
    except EOFError as error:
        raise RuntimeError(f"{work.__name__} failed; its traceback is above") from error
    finally:
        process.join()
    return cost


def _run(sender: Connection, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    peak, is_done = [0], threading.Event()
    sampler = threading.Thread(target=_sample, args=(peak, is_done), daemon=True)
    sampler.start()
    cpu, wall = _cpu_s(), time.perf_counter()
    value = work(*arguments)
    wall = time.perf_counter() - wall
    cpu = _cpu_s() - cpu
    is_done.set()
    sampler.join()
    sender.send(Cost(cpu, wall, max(peak[0], _own_peak()) / 1e6, value))


def _own_peak() -> int:
    """Return this process's largest resident memory, in bytes; 0 where it is not told.

    `ru_maxrss` will not do: it begins with the memory of the process that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def _cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _sample(peak: list[int], is_done: threading.Event) -> None:
    own = psutil.Process(os.getpid())
    while not is_done.wait(_SAMPLE_S):
        total = 0
        for process in (own, *own.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:  # it has ended meanwhile
                continue
        peak[0] = max(peak[0], total)
