"""The one run of a data folder, known to Prefect even when it dies.

A killed process cannot tell the server that it is gone, so its flow run would stay "Running" for
ever. Each run of the parent flow notes its id in the data folder; the next one that gets the run
lock finds the note, knows that nobody runs any more, and marks what was left running as crashed.
A run that is retried finds its own note: it lives again, and only what it had called is marked.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.context import FlowRunContext
from prefect.states import Crashed

from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.locations import settle_at_start
from tasks.runtime.run_lock import data_root_lock
from tasks.runtime.stage import log

UNFINISHED = [StateType.RUNNING, StateType.PENDING]


@contextmanager
def locked_flow_run(data_root: Path, wait_minutes: float = 0) -> Iterator[None]:
    """Be the only run below a data folder, and close the one before if it died.

    Parameters
    ----------
    data_root
        The data folder.
    wait_minutes
        How long to wait for another run to end.

    Yields
    ------
    None
        While no other run works below the folder.
    """
    layout = DataLayout.at(data_root)
    note = layout.state / "run.json"
    with data_root_lock(data_root, wait_minutes * 60):
        settle_at_start(data_root)
        ArtifactStore(layout).remove_orphans()
        context = FlowRunContext.get()
        own = context.flow_run.id if context is not None and context.flow_run is not None else None
        close_stale_run(note, own)
        if own is not None:
            write_json_atomic(note, {"flow_run_id": str(own), "data_root": str(layout.root)})
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def close_stale_run(note: Path, own: UUID | None = None) -> int:
    """Mark the flow run that a note names as crashed, with all that it had running.

    Parameters
    ----------
    note
        The file that a run left when it died.
    own
        Id of the run that asks. It is the one that died where it was retried: then only what it
        had running before is closed.

    Returns
    -------
    int
        How many flow runs were marked; 0 when there is no note or the server knows none of them.
    """
    try:
        content = json.loads(note.read_bytes())
        died = UUID(str(content["flow_run_id"]))
        original = Path(content.get("data_root", ".")) / "state" / note.name
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0
    if _has_same_note(original, note):
        note.unlink()  # it came with a copy: the run is the original's, and may be alive
        return 0
    closed = 0
    with get_client(sync_client=True) as client:
        waiting = [died]
        while waiting:
            children = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=waiting))
            closed += sum(_close(client, run, is_own=run == own) for run in waiting)
            waiting = [run.id for run in client.read_flow_runs(flow_run_filter=children)]
    note.unlink(missing_ok=True)
    if closed:
        log.info("The run before this one died; %d flow runs of it are marked as crashed.", closed)
    return closed


def _has_same_note(original: Path, note: Path) -> bool:
    try:
        return not original.samefile(note) and original.read_bytes() == note.read_bytes()
    except OSError:
        return False


def _close(client: SyncPrefectClient, flow_run_id: UUID, *, is_own: bool) -> bool:
    """Mark one flow run, unless it is our own, and its tasks as crashed if they count as running.

    Return whether the flow run was marked.
    """
    only = FlowRunFilterId(any_=[flow_run_id])
    running = FlowRunFilter(
        id=only, state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED))
    )
    state: State[None] = Crashed(message="Its process died; the next run goes on.")
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=only),
        task_run_filter=TaskRunFilter(
            state=TaskRunFilterState(type=TaskRunFilterStateType(any_=UNFINISHED))
        ),
    )
    for task in tasks:
        client.set_task_run_state(task.id, state, force=True)
    if is_own or not client.read_flow_runs(flow_run_filter=running):
        return False
    client.set_flow_run_state(flow_run_id, state, force=True)
    return True
