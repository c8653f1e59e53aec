"""The progress bar of a long stage in the Prefect UI."""

import logging
import time
from uuid import UUID

from httpx import HTTPError
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException

EVERY_S = 5.0
log = logging.getLogger("mmpipeline.run")


class ProgressArtifact:
    """A watcher of progress: a Prefect artifact for each label, a bar in per cent.

    Quick work makes none: the first appears after `EVERY_S`. A server that does not take it does
    not stop the work.

    Parameters
    ----------
    stage
        Its name, which becomes the artifacts' key.
    """

    def __init__(self, stage: str) -> None:
        self._key = f"{stage.replace('_', '-')}-progress"
        self._bars: dict[str, UUID] = {}
        self._told = time.monotonic()
        self._is_off = FlowRunContext.get() is None

    def __call__(self, label: str, share: float) -> None:
        """Tell how far the work is, at most every `EVERY_S`, and when it is done.

        Parameters
        ----------
        label
            What the work is.
        share
            Done, 0 to 1.
        """
        is_end = share >= 1 and label in self._bars
        if self._is_off or (time.monotonic() < self._told + EVERY_S and not is_end):
            return
        try:
            self._show(label, 100 * share)
        except (HTTPError, PrefectException) as error:
            self._is_off = True
            log.warning("progress is not shown any more: %s", error)
        self._told = time.monotonic()

    def _show(self, label: str, percent: float) -> None:
        if label in self._bars:
            update_progress_artifact(self._bars[label], percent)
            return
        made = create_progress_artifact(percent, self._key, description=f"How far: {label}")
        assert isinstance(made, UUID)  # it is no coroutine, since nobody awaits here
        self._bars[label] = made
