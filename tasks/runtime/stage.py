"""The frame of every stage: find or make the artifact around one library call, and say so.

`produce` is the only place where a stage decides whether it has to work: an artifact with its
key exists, here or in the shared storage, or it is made. Lines for people go to the logger
``mmpipeline.run``, which the local run prints and Prefect shows beside the flow run.
"""

import contextvars
import logging
import re
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext
from prefect.events import emit_event

from mmpipeline.errors import ArtifactError
from mmpipeline.planning.code_record import record_code
from mmpipeline.progress import watch_progress
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout, folder_of
from mmpipeline.storage.manifest import Artifact
from mmpipeline.storage.provenance import ArtifactKey
from tasks.runtime.assets import note_materialization
from tasks.runtime.progress_artifact import ProgressArtifact
from tasks.runtime.shared_storage import fetch, share

WIDTH, INDENT = 100, 29
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
log = logging.getLogger("mmpipeline.run")

Make = Callable[[Draft], dict[str, float]]
_marks_latest = contextvars.ContextVar("marks_current", default=True)


def produce(data_root: Path, key: ArtifactKey, make: Make, show: tuple[str, ...]) -> Path:
    """Return the artifact of a key, making it when it does not exist yet.

    Parameters
    ----------
    data_root
        The data folder.
    key
        What the artifact is made from.
    make
        Fills the draft's folder and returns its counts.
    show
        The counts worth a word on the screen, in this order.

    Returns
    -------
    Path
        The finished artifact's folder.

    Raises
    ------
    ArtifactError
        If the artifact is not readable right after it was made.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    started = time.perf_counter()
    artifact = None if store.renewal_requested(key) else store.find(key)
    if artifact is not None:
        report(key.kind, "is up to date", artifact)
        share(artifact)
    elif (artifact := fetch(store, key)) is not None:
        seconds = time.perf_counter() - started
        report(key.kind, "was made on another machine", artifact, seconds)
    else:
        artifact = _make(store, key, make, show)
    if _marks_latest.get():
        store.mark_latest(artifact)
    return artifact.folder


def _make(store: ArtifactStore, key: ArtifactKey, make: Make, show: tuple[str, ...]) -> Artifact:
    started = time.perf_counter()
    is_renewal = store.renewal_requested(key)
    with store.create(key) as draft, watch_progress(ProgressArtifact(key.kind)):
        draft.counts = make(draft)
    record_code(store.layout, key)
    artifact = store.find(key)
    if artifact is None:
        raise ArtifactError(f"{store.folder(key)} is not readable after it was written")
    seconds = time.perf_counter() - started
    report(key.kind, describe_counts(artifact.counts, show), artifact, seconds)
    publish_counts(key.kind, artifact.counts)
    share(artifact, replace=is_renewal)
    announce(artifact)
    note_materialization(artifact)
    return artifact


@contextmanager
def without_marking_latest() -> Iterator[None]:
    """Let the stages of a block leave alone which artifact later stages take by themselves.

    Yields
    ------
    None
        While `produce` makes artifacts without marking them as current.
    """
    token = _marks_latest.set(False)
    try:
        yield
    finally:
        _marks_latest.reset(token)


def report(stage: str, text: str, artifact: Artifact | None = None, seconds: float = 0) -> None:
    """Say in one or two lines what a stage did.

    Parameters
    ----------
    stage
        Its name.
    text
        What it did; wrapped to the screen.
    artifact
        What it left; its folder gets a line of its own.
    seconds
        Wall time; 0 says nothing.
    """
    clock = f"{seconds:6.1f} s" if seconds else ""
    first, *more = textwrap.wrap(text, WIDTH - INDENT) or ["done"]
    log.info("%-19s%8s  %s", stage, clock, first)
    if artifact is not None:
        more.append(_place(artifact))
    for line in more:
        log.info("%s%s", " " * INDENT, line)


def describe_counts(counts: Mapping[str, float], show: tuple[str, ...]) -> str:
    """Return ``1,200 recipes, 60 dishes`` for the named counts that exist."""
    return ", ".join(
        f"{_number(counts[name])} {name.replace('_', ' ')}" for name in show if name in counts
    )


def publish_counts(stage: str, counts: Mapping[str, float]) -> None:
    """Put a stage's counts beside its run in the Prefect UI; outside of a run, do nothing."""
    if FlowRunContext.get() is not None and counts:
        create_table_artifact(
            key=stage.replace("_", "-"),
            table=[{"what": name, "value": value} for name, value in counts.items()],
            description=f"What the stage {stage} counted",
        )


def announce(artifact: Artifact) -> None:
    """Emit the event `mmpipeline.KIND.made`, which deployments may wait for.

    Only a run that was started says so: what the parent flow's stages make, it uses itself.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.parent_task_run_id:
        return
    kind = artifact.manifest.kind
    emit_event(
        f"mmpipeline.{kind}.made",
        resource={
            "prefect.resource.id": f"mmpipeline.{kind}.{artifact.id}",
            "prefect.resource.name": f"{kind} {artifact.id}",
        },
        payload={"folder": str(artifact.folder), "counts": artifact.counts},
    )


def publish_page(key: str, page: str, description: str) -> None:
    """Put a Markdown page beside a stage's run in the Prefect UI; outside of a run, do nothing.

    Its pictures lie in the artifact's folder, which the UI does not reach: they are named.

    Parameters
    ----------
    key
        Name of the page, in small letters and dashes.
    page
        Markdown.
    description
        What it shows.
    """
    if FlowRunContext.get() is not None:
        named = PICTURE.sub(r"*\1: `\2` in the artifact's folder*", page)
        create_markdown_artifact(key=key, markdown=named, description=description)


def publish_link(key: str, address: str | None, description: str) -> None:
    """Put a link beside a stage's run in the Prefect UI; outside of a run, do nothing.

    Parameters
    ----------
    key
        Name of the link, in small letters and dashes.
    address
        Where it leads; None: nowhere, so there is none.
    description
        What is there.
    """
    if FlowRunContext.get() is not None and address:
        create_link_artifact(address, link_text=address, key=key, description=description)


def side_by_side(*calls: Callable[[], Path]) -> list[Path]:
    """Run calls in threads that keep the flow run's context; the first failure is raised.

    Parameters
    ----------
    *calls
        Functions without arguments, such as partial flow calls.

    Returns
    -------
    list of Path
        Their results in the order given.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(calls))) as pool:
        futures = [pool.submit(contextvars.copy_context().run, call) for call in calls]
        return [future.result() for future in futures]


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def _place(artifact: Artifact) -> str:
    """Return where an artifact lies from the data folder's name on: `data/models/ID`."""
    depth = len(Path(folder_of(artifact.manifest.kind)).parts) + 2
    return str(Path(*artifact.folder.parts[-depth:]))
