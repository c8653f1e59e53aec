"""One MLflow run a training, whether or not MLflow is there.

The training loop knows a `MetricLogger`; this is the one that writes to MLflow. Metrics are sent
in batches, since one at a time costs fifty times as much.

Work never waits for tracking. What cannot be sent (the server is away, the database locked) goes
to a spool file and is sent when the store answers again: by the same run some time later, or
by the next run that starts. A run whose store was away from the start is made in it then.
"""

import json
import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from tasks.tracking import store as tracking
from tasks.tracking.metric_spool import Entry, MetricSpool, left_spools

MAX_PARAM_CHARACTERS = 500
RETRY_S = 30.0
MAX_RETRY_S = 600.0
RUN_NAME = "mlflow-run.json"
log = logging.getLogger("mmpipeline.run")


class TrackedRun:
    """One MLflow run, as the `MetricLogger` of the library.

    Parameters
    ----------
    layout
        The data folder.
    head
        The run: its ``run_id`` in the store or, when it could not be made yet, ``name``, ``tags``
        and ``time``.
    """

    def __init__(self, layout: DataLayout, head: Entry) -> None:
        self._layout = layout
        self.head = dict(head)
        self.key = str(head.get("run_id") or head["key"])
        self._spool = MetricSpool.of(layout, self.key, head)
        self._away_until = 0.0
        self._pause_s = RETRY_S
        self._logged_until = -1

    @property
    def run_id(self) -> str | None:
        """The run's id in the store; None while the store does not have it."""
        return self.head.get("run_id")

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, once a run."""
        self._log("params", {k: str(v)[:MAX_PARAM_CHARACTERS] for k, v in params.items()})

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log the metrics of one step (an epoch, in training) in one call."""
        if step > self._logged_until:
            self._log("metrics", {k: float(v) for k, v in metrics.items()}, step=step)

    def log_dataset(self, frame: pd.DataFrame, name: str, source: Path) -> None:
        """Log which data the run was trained on.

        Parameters
        ----------
        frame
            A small table that describes it; its digest tells data sets apart.
        name
            Name of the data set.
        source
            Where it lies.
        """
        self._log("dataset", tracking.describe_dataset(frame, name, source))

    def log_files(self, folder: Path, later: Path | None = None, place: str | None = None) -> None:
        """Log every file of a folder as the run's artifacts.

        Parameters
        ----------
        folder
            The folder.
        later
            Where the same files will lie when this can only be done later; None: there as well.
        place
            Folder among the run's artifacts that takes them; None: no folder.
        """
        kept = self._layout.relative(later or folder)
        self._log("files", str(folder), later=kept, place=place)

    def has_tag(self, name: str, value: str) -> bool:
        """Tell whether the store's run has a tag of this value; no when the store is away."""
        if self.run_id is None or not self.catch_up():
            return False
        try:
            return tracking.tags_of(self._layout, self.run_id).get(name) == value
        except tracking.absences() as error:
            self._note_absence(error)
            return False

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags on the run."""
        self._log("tags", dict(tags))

    def set_status(self, status: str) -> None:
        """Say how the run stands.

        Parameters
        ----------
        status
            ``RUNNING``, ``FINISHED`` or ``FAILED``.
        """
        self._log("status", status)

    def go_on(self) -> None:
        """Take up a run that was broken off: steps that it logged are not logged again."""
        self.set_status("RUNNING")
        if self.run_id is None or self._away_until:
            return
        self._logged_until = tracking.last_step(self._layout, self.run_id)

    def catch_up(self) -> bool:
        """Send what was spooled.

        Returns
        -------
        bool
            Whether all of it is in the store now.
        """
        if time.monotonic() < self._away_until:
            return False
        try:
            _send_all(self._layout, self._spool, self.head)
        except tracking.absences() as error:
            self._note_absence(error)
            return False
        return True

    def _log(self, what: str, value: object, **more: object) -> None:
        entry = {"what": what, "value": value, "time": _now_ms(), **more}
        if self.catch_up():
            try:
                client = tracking.connect(self._layout)
                tracking.send(client, self._layout, str(self.run_id), entry, first_try=True)
            except tracking.absences() as error:
                self._note_absence(error)
            else:
                return
        self._spool.append(entry)

    def _note_absence(self, error: Exception) -> None:
        if not self._away_until:
            reason = str(error).splitlines()[0][:120]
            log.warning("MLflow cannot be reached (%s); metrics are kept and sent later", reason)
        self._away_until = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, MAX_RETRY_S)


@contextmanager
def tracked_run(
    layout: DataLayout,
    name: str,
    tags: Mapping[str, str],
    resume: Path | None = None,
    experiment: str = tracking.EXPERIMENT,
) -> Iterator[TrackedRun]:
    """Open a new run; it ends FINISHED, or FAILED when the block raises.

    Parameters
    ----------
    layout
        The data folder whose store is used.
    name
        The run's name in the UI.
    tags
        What to find it by: versions of its inputs.
    resume
        Folder that outlives a killed process: the next attempt goes on with the same run.
    experiment
        Under which heading the store keeps the run.

    Yields
    ------
    TrackedRun
        To log to, whether or not the store can be reached.
    """
    send_left_behind(layout)
    path = None if resume is None else resume / RUN_NAME
    head = {"name": name, "tags": dict(tags), "experiment": experiment}
    run = _find_earlier(layout, path) or _make_run(layout, head)
    with run._spool.held():
        if path is not None:
            write_json_atomic(path, run.head)
        try:
            yield run
        except BaseException:
            run.set_status("FAILED")
            raise
        run.set_status("FINISHED")


def reopen_run(
    layout: DataLayout, run_id: str | None, tags: Mapping[str, str] | None = None
) -> TrackedRun | None:
    """Return an earlier run to log more to.

    Parameters
    ----------
    layout
        The data folder whose store is used.
    run_id
        Its id; None when the store was away when it was made.
    tags
        What it can be found by without an id.

    Returns
    -------
    TrackedRun or None
        None when the store does not have it, or cannot be reached and no id is known.
    """
    send_left_behind(layout)
    try:
        client = tracking.connect(layout)
        if run_id is None:
            run_id = tracking.find_by_tags(client, tags or {})
        else:
            client.get_run(run_id)
    except tracking.absences() as error:
        if run_id is None or tracking.is_refusal(error):
            return None
    return None if run_id is None else TrackedRun(layout, {"run_id": run_id})


def send_left_behind(layout: DataLayout) -> None:
    """Send what earlier runs could not, as far as the store can be reached now.

    Parameters
    ----------
    layout
        The data folder.
    """
    for spool in left_spools(layout):
        with spool.held() as is_free:
            try:
                if is_free and (entries := spool.entries()):
                    _send_all(layout, spool, dict(entries[0]))
                    log.info("metrics kept in %s are in MLflow now", spool.path.name)
            except tracking.absences() as error:
                if not tracking.is_refusal(error):
                    return
                log.warning("MLflow refuses what is kept in %s: %s", spool.path.name, error)
                spool.path.rename(spool.path.with_suffix(".refused"))


def _make_run(layout: DataLayout, head: Entry) -> TrackedRun:
    head = {"key": uuid.uuid4().hex, **head, "time": _now_ms()}
    run = TrackedRun(layout, head)
    try:
        run.head["run_id"] = tracking.create_run_of(tracking.connect(layout), layout, head)
    except tracking.absences() as error:
        run._note_absence(error)
        return run
    return TrackedRun(layout, {"run_id": run.run_id})


def _find_earlier(layout: DataLayout, path: Path | None) -> TrackedRun | None:
    if path is None or not path.is_file():
        return None
    head = json.loads(path.read_bytes())
    if "run_id" not in head and MetricSpool.of(layout, head["key"], head).entries():
        return TrackedRun(layout, head)  # still not in the store
    run = reopen_run(layout, head.get("run_id"), {"spool": head.get("key", "")})
    if run is not None:
        run.go_on()
    return run


def _send_all(layout: DataLayout, spool: MetricSpool, head: dict[str, Any]) -> None:
    entries = spool.entries()[1:]
    if not entries and head.get("run_id"):
        return
    client = tracking.connect(layout)
    if not head.get("run_id"):
        head["run_id"] = tracking.find_by_tags(
            client, {"spool": head["key"]}
        ) or tracking.create_run_of(client, layout, head)
    for entry in entries:
        tracking.send(client, layout, head["run_id"], entry, first_try=False)
    spool.clear()


def _now_ms() -> int:
    return int(time.time() * 1000)
