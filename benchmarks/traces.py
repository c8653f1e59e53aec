"""Traces of a block: which of the product's functions run, which data files are opened.

The interpreter is watched from outside, so nothing here knows how keys tell what a stage reaches.
A function that runs only because a module is being imported is left out.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import mmpipeline
from mmpipeline.provenance.tree import SourceTree

ROOT = Path(mmpipeline.__file__).parent
PREFIX = f"{ROOT}/"


@dataclass(slots=True)
class Trace:
    """What ran while artifacts of a kind were made.

    Attributes
    ----------
    functions
        As ``module:qualified name``.
    data
        Data files that were opened, below the package's folder.
    absent
        Modules that were not imported when it ended.
    """

    functions: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


class Tracer:
    """Notes which functions of the product run, by kind of artifact."""

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}
        self._opened: set[str] = set()
        self._modules = SourceTree(ROOT).modules
        sys.addaudithook(self._audit)

    @contextmanager
    def watching(self, kind: str) -> Iterator[None]:
        """Note what runs in a block.

        Parameters
        ----------
        kind
            Of the artifact that is made.

        Yields
        ------
        None
            Once it is watched.
        """
        started = time.process_time()
        ours: list[CodeType] = []
        self._opened = set()
        note = _noting(ours)
        threading.settrace(note)
        sys.settrace(note)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)
        trace = self.traces.setdefault(kind, Trace())
        trace.functions |= {f"{_module_of(code)}:{code.co_qualname}" for code in ours}
        trace.data |= self._opened
        trace.absent = {name for name in self._modules if name not in sys.modules}
        print(f"{kind}: {time.process_time() - started:.1f} s of CPU", file=sys.stderr)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            path = Path(arguments[0])
            if path.suffix not in {".py", ".pyc"} and path.is_relative_to(ROOT):
                self._opened.add(path.relative_to(ROOT).as_posix())


def _noting(ours: list[CodeType]) -> Callable[[FrameType, str, object], None]:
    """Return a tracer that adds each of the product's functions when it is called first."""
    seen: dict[int, CodeType] = {}  # by identity: a code object's own hash reads all of it

    def note(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if id(code) in seen:
            return
        is_ours = code.co_filename.startswith(PREFIX) and code.co_name != "<module>"
        if is_ours and _is_importing(frame):
            return
        seen[id(code)] = code
        if is_ours:
            ours.append(code)

    return note


def _is_importing(frame: FrameType) -> bool:
    above: FrameType | None = frame
    while above is not None:
        code = above.f_code
        if code.co_name == "<module>" and code.co_filename.startswith(PREFIX):
            return True
        above = above.f_back
    return False


def _module_of(code: CodeType) -> str:
    parts = Path(code.co_filename).relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
