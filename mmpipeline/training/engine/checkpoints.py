"""States of a training that survive a crash: safetensors and JSON, hashed, whole or not there.

A checkpoint is a folder ``step-N`` with `state.safetensors`, `state.json` and a manifest with the
sha256 of both. It is filled under a temporary name, flushed and renamed; the last few are kept, so
that a damaged one costs some minutes and not the training. How often one is written changes no
result. A folder is used by one training at a time.
"""

import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from mmpipeline.errors import BusyError, CheckpointError
from mmpipeline.storage.atomic import fsync_file, fsync_folder, write_json_atomic
from mmpipeline.storage.manifest import digest_file

TENSORS_NAME, VALUES_NAME, MANIFEST_NAME = "state.safetensors", "state.json", "manifest.json"
PREFIX, UNFINISHED, DAMAGED = "step-", ".unfinished-", "damaged-"
log = logging.getLogger("mmpipeline.run")


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that a training needs to go on.

    Attributes
    ----------
    step
        Steps that were done.
    identity
        Digests of what the training is made of: config, data, module.
    tensors
        By name: weights, moments of the optimiser, best weights.
    values
        Plain JSON: where the source stands, history, running sums.
    """

    step: int
    identity: dict[str, str]
    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of one training in one folder.

    Parameters
    ----------
    folder
        Made when missing.
    every_s
        Seconds between two; 0 writes one after every step.
    keep
        How many stay.
    skip_damaged
        What to do when the newest is damaged: put it aside and go on from the one before, with a
        warning; or else refuse, naming the one before.

    Raises
    ------
    ValueError
        If fewer than one is to be kept.
    """

    def __init__(
        self, folder: Path, every_s: float = 60, keep: int = 2, *, skip_damaged: bool = False
    ) -> None:
        if keep < 1:
            raise ValueError(f"keep is {keep}; at least one checkpoint has to stay")
        self.folder = folder
        self._every_s = every_s
        self._keep = keep
        self._skip_damaged = skip_damaged
        self._saved_at = time.monotonic()

    def beside(self, name: str) -> "Checkpoints":
        """Return the checkpoints of another training of the same course, in a folder within."""
        return Checkpoints(
            self.folder / name, self._every_s, self._keep, skip_damaged=self._skip_damaged
        )

    @property
    def is_due(self) -> bool:
        """Whether it is time for another one."""
        return time.monotonic() - self._saved_at >= self._every_s

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other trainings out of the folder.

        Yields
        ------
        None

        Raises
        ------
        BusyError
            If another process trains with it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    f"another process trains with the checkpoints in {self.folder}; wait for it"
                ) from error
            yield

    def save(self, state: TrainingState) -> Path:
        """Store a state; earlier ones beyond the number to keep are removed.

        Parameters
        ----------
        state
            Of which tensors are copied to the disk at once.

        Returns
        -------
        Path
            The checkpoint's folder.

        Raises
        ------
        OSError
            If the disk is full or not writable; the earlier checkpoints are then untouched.
        """
        final = self.folder / f"{PREFIX}{state.step:010d}"
        if not final.exists():
            self._write(state, final)
        for stale in self._steps()[: -self._keep]:
            shutil.rmtree(self._of(stale), ignore_errors=True)
        self._saved_at = time.monotonic()
        return final

    def load(self, identity: Mapping[str, str]) -> TrainingState | None:
        """Return the newest state.

        Parameters
        ----------
        identity
            Digests that it must have been stored with.

        Returns
        -------
        TrainingState or None
            None when there is no checkpoint yet.

        Raises
        ------
        CheckpointError
            If it is damaged and damaged ones are not skipped, or of another identity.
        """
        for unfinished in self.folder.glob(f"{UNFINISHED}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        for step in reversed(self._steps()):
            try:
                state = read_checkpoint(self._of(step))
            except CheckpointError as error:
                self._put_aside(step, error)
                continue
            _check_identity(self._of(step), state.identity, identity)
            return state
        return None

    def read(self, step: int) -> TrainingState:
        """Return the state of one step.

        Parameters
        ----------
        step
            Of a checkpoint that exists.

        Returns
        -------
        TrainingState
            As it was stored.

        Raises
        ------
        CheckpointError
            If it is missing or damaged.
        """
        return read_checkpoint(self._of(step))

    def _write(self, state: TrainingState, final: Path) -> None:
        draft = self.folder / f"{UNFINISHED}{final.name}-{os.getpid()}"
        draft.mkdir(parents=True)
        try:
            tensors = {name: t.detach().cpu().contiguous() for name, t in state.tensors.items()}
            save_file(tensors, draft / TENSORS_NAME)
            fsync_file(draft / TENSORS_NAME)
            content = {"step": state.step, "identity": state.identity, "values": state.values}
            write_json_atomic(draft / VALUES_NAME, content)
            names = (TENSORS_NAME, VALUES_NAME)
            write_json_atomic(draft / MANIFEST_NAME, {n: digest_file(draft / n) for n in names})
            draft.rename(final)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        fsync_folder(self.folder)

    def _put_aside(self, step: int, error: CheckpointError) -> None:
        earlier = [other for other in self._steps() if other < step]
        before = f"the one of step {earlier[-1]} is before it" if earlier else "none is before it"
        if not self._skip_damaged:
            remedy = "delete it to go on from there" if earlier else "delete it to start anew"
            raise CheckpointError(f"{error}; {before}: {remedy}") from error
        log.warning("%s; put aside, %s", error, before)
        aside = self.folder / f"{DAMAGED}{self._of(step).name}"
        shutil.rmtree(aside, ignore_errors=True)
        self._of(step).rename(aside)

    def _steps(self) -> list[int]:
        numbers = (path.name.removeprefix(PREFIX) for path in self.folder.glob(f"{PREFIX}*"))
        return sorted(int(number) for number in numbers if number.isdigit())

    def _of(self, step: int) -> Path:
        return self.folder / f"{PREFIX}{step:010d}"


def read_checkpoint(folder: Path) -> TrainingState:
    """Read one checkpoint, checking its sha256 before anything is parsed.

    Parameters
    ----------
    folder
        ``step-N``.

    Returns
    -------
    TrainingState
        With tensors on the CPU.

    Raises
    ------
    CheckpointError
        If a file is missing or does not match the manifest.
    """
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        for name in (TENSORS_NAME, VALUES_NAME):
            if digest_file(folder / name) != manifest[name]:
                raise CheckpointError(f"checkpoint {folder / name} does not match its sha256")
        content = json.loads((folder / VALUES_NAME).read_bytes())
        tensors = load((folder / TENSORS_NAME).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint {folder} is damaged ({error})") from error
    return TrainingState(tensors=tensors, **content)


def _check_identity(folder: Path, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    other = sorted(
        name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)
    )
    if other:
        raise CheckpointError(
            f"checkpoint {folder} was made with another {' and '.join(other)}; train with what it "
            "was made with, or delete its folder to start anew"
        )
