"""The spool of metrics that could not be sent to MLflow, kept in a file until they can.

One file a run, below ``state/mlflow-spool``: a JSON object a line, in the order it happened, the
first of them saying which run it is. An entry is written before anybody goes on, so a killed
training loses none. Sending the same entry twice is harmless (its time was written with it), so a
file is simply sent again when sending broke off in its middle; a line that a crash cut short is
left out.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmpipeline.storage.layout import DataLayout

Entry = Mapping[str, Any]


class MetricSpool:
    """The unsent entries of one run.

    Parameters
    ----------
    path
        The file; made with the first entry.
    head
        The first entry: what is needed to find the run, or to make it.
    """

    def __init__(self, path: Path, head: Entry) -> None:
        self.path = path
        self._head = head

    @classmethod
    def of(cls, layout: DataLayout, name: str, head: Entry) -> "MetricSpool":
        """Return the spool of a run by name."""
        return cls(spool_folder(layout) / f"{name}.jsonl", head)

    def append(self, entry: Entry) -> None:
        """Keep an entry.

        Parameters
        ----------
        entry
            Plain JSON.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entries = [entry] if self.path.exists() else [self._head, entry]
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in entries)
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """Return what was kept, the head first; empty when nothing was."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _parse(line)) is not None]

    def clear(self) -> None:
        """Forget what was kept: it was sent."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Keep other processes from sending the same.

        Yields
        ------
        bool
            Whether it was free; when not, a living run is writing to it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
            self.path.with_suffix(".lock").unlink(missing_ok=True)


def spool_folder(layout: DataLayout) -> Path:
    """Return the folder of all spools."""
    return layout.state / "mlflow-spool"


def left_spools(layout: DataLayout) -> list[MetricSpool]:
    """Return the spools that runs left behind, the oldest first."""
    files = spool_folder(layout).glob("*.jsonl")
    return [MetricSpool(path, {}) for path in sorted(files, key=lambda p: p.stat().st_mtime)]


def _parse(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
