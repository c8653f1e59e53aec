"""The growth of every text function's time with the length of its text.

Each function reads each pattern at three lengths, each twice as long as the one before. Of several
runs the quickest counts; a doubling is only judged where the longer text takes long enough to be
measured, and measured again where it looks worse than it should, for the machine is shared.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import typer

from benchmarks.long_text_cases import FUNCTIONS, PATTERNS, forget, make_text

_LEAST_S = 0.004  # shorter times are mostly noise
_ROUNDS = 3
_SUSPICIOUS = 2.3
_HOPELESS_S = 20.0


@dataclass(frozen=True, slots=True)
class Growth:
    """How one function takes one pattern.

    Attributes
    ----------
    doubling
        Time at the full length divided by that at half of it; 1 where it is too short to tell.
    seconds
        CPU seconds at the full length.
    """

    function: str
    pattern: str
    doubling: float
    seconds: float


def measure(function: Callable[[str], Any], text: str, rounds: int = _ROUNDS) -> float:
    """Return the CPU seconds of the quickest of some calls."""
    times = []
    for _ in range(rounds):
        forget()
        start = time.process_time()
        function(text)
        times.append(time.process_time() - start)
        if times[-1] > _HOPELESS_S:
            break
    return min(times)


def grow(name: str, pattern: str, length: int) -> Growth:
    """Measure one function on one pattern at a quarter, half and all of a length.

    Parameters
    ----------
    name
        A key of `FUNCTIONS`.
    pattern
        One of `PATTERNS`.
    length
        Of the longest text, in characters.

    Returns
    -------
    Growth
        The worse of its two doublings.
    """
    function = FUNCTIONS[name]
    texts = [make_text(pattern, length // part) for part in (4, 2, 1)]
    times = [measure(function, text, 1) for text in texts]
    for _ in range(4):
        if _worst(times) <= _SUSPICIOUS or times[-1] > _HOPELESS_S:
            break
        again = [measure(function, text) for text in texts]
        times = [min(pair) for pair in zip(times, again, strict=True)]
    return Growth(name, pattern, _worst(times), times[-1])


def _worst(times: list[float]) -> float:
    pairs = pairwise(times)
    return max((after / before for before, after in pairs if before >= _LEAST_S), default=1.0)


def run(length: int, only: str = "") -> Iterator[Growth]:
    """Measure every function on every pattern.

    Parameters
    ----------
    length
        Of the longest text, in characters.
    only
        Part of the name of the functions to measure; empty takes all.

    Yields
    ------
    Growth
        One a pair.
    """
    gc.disable()
    for name in FUNCTIONS:
        if only in name:
            for pattern in PATTERNS:
                yield grow(name, pattern, length)
            gc.collect()


def main(
    length: Annotated[int, typer.Option(min=1_000)] = 100_000,
    only: Annotated[str, typer.Option(help="part of the functions' names")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one line for machines")] = False,
) -> None:
    """Measure whether doubling the length doubles the time."""
    found = list(run(length, only))
    worst = max(found, key=lambda growth: growth.doubling)
    slowest = max(found, key=lambda growth: growth.seconds)
    figures = {
        "length": length,
        "functions": len({growth.function for growth in found}),
        "patterns": len({growth.pattern for growth in found}),
        "worst_doubling": round(worst.doubling, 2),
        "worst_function": worst.function,
        "worst_pattern": worst.pattern,
        "over_2_5": sum(growth.doubling > 2.5 for growth in found),
        "slowest_s": round(slowest.seconds, 3),
        "slowest_function": slowest.function,
        "slowest_pattern": slowest.pattern,
    }
    if as_json:
        print(json.dumps(figures))
        return
    for growth in sorted(found, key=lambda growth: -growth.doubling)[:20]:
        print(
            f"{growth.doubling:6.2f} {growth.seconds:8.3f} s  {growth.function}  {growth.pattern}"
        )
    print("\n".join(f"{key:20} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    typer.run(main)
