"""Concurrency leases that outlive the server, and what becomes of runs that lost theirs.

A run of a deployment holds one of its slots by a lease, which it renews every few minutes; a slot
is free again once its lease has run out. Prefect counts slots in its database but keeps leases in
memory unless told otherwise: a restart forgets them, so that dead runs hold their slots for ever
and living ones are ended. `tasks.servers.prefect` has them kept as files in Prefect's home.

Three gaps remain, which the server of `tasks.servers.prefect` closes. While it is away nobody can
renew, so when it comes back `grant_respite` gives every lease some minutes. Slots and leases are
written one after another, so a kill in between leaves them apart: `settle_leases` counts slots anew
by the leases. And Prefect frees the slot of a run that died but leaves the run as it is: what was
Running is marked as crashed, what a dead worker had taken and not started is handed to the next.

Costs two small queries four times a minute. A server that is started by hand has the files (if the
environment says so) but none of the rest: there a run that died stays "Running" in the page.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from docket import Perpetual
from prefect.logging import get_logger
from prefect.server import models
from prefect.server.concurrency.lease_storage import (
    ConcurrencyLeaseStorage,
    ConcurrencyLimitLeaseMetadata,
    get_concurrency_lease_storage,
)
from prefect.server.concurrency.lease_storage.filesystem import (
    ConcurrencyLeaseStorage as LeaseFiles,
)
from prefect.server.database import PrefectDBInterface, provide_database_interface
from prefect.server.database.orm_models import FlowRun
from prefect.server.schemas import states
from prefect.server.schemas.states import State, StateType
from prefect.server.services.perpetual_services import perpetual_service
from prefect.server.utilities.leasing import ResourceLease
from prefect.settings import get_current_settings
from sqlalchemy.ext.asyncio import AsyncSession

LOOK_EVERY_S = 15.0  # as Prefect looks for leases that ran out
RESPITE_S = 120.0  # a living run asks again within a minute of the server's coming back
LIMIT_PREFIX = "deployment:"  # how Prefect names the limit that belongs to a deployment alone
HOLDING = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)

logger = get_logger("mmpipeline.leases")


async def grant_respite() -> None:
    """Let no lease run out before its run could reach the server that starts.

    To be called before the server's services run, and by the only server on its home: a lock that
    a killed one left is removed, since in a container the next one has the same process id and
    would wait for itself.
    """
    storage = get_concurrency_lease_storage()
    if not isinstance(storage, LeaseFiles):
        return
    for left in ("expirations.lock", ".lock_*", ".lease_*.tmp"):
        for path in storage.storage_path.glob(left):
            path.unlink(missing_ok=True)
    soon = datetime.now(UTC) + timedelta(seconds=RESPITE_S)
    for lease_id in await _lease_ids(storage):
        lease = await storage.read_lease(lease_id)
        if lease is not None and lease.expiration < soon:
            await storage.renew_lease(lease_id, timedelta(seconds=RESPITE_S))


class LeaseWatch:
    """Holds runs, leases and slots of one server together.

    The first look of a server gives a lease back to every unfinished run whose lease it does not
    know: such a run began under a server that kept leases in memory. If it lives, it renews it.
    Later a run without a lease is closed, once two looks in a row have found it so.
    """

    def __init__(self) -> None:
        self._missing: set[UUID] | None = None

    async def look(self, db: PrefectDBInterface, storage: ConcurrencyLeaseStorage) -> None:
        """Look once.

        Parameters
        ----------
        db
            The server's database.
        storage
            Its leases.
        """
        async with db.session_context() as session:
            runs = await _runs_with_lease(db, session)
        known = set(await _lease_ids(storage))
        lost = {lease_id: run for lease_id, run in runs.items() if lease_id not in known}
        if self._missing is None and isinstance(storage, LeaseFiles):
            for lease_id, run in lost.items():
                await _give_back(db, storage, lease_id, run)
            lost = {}
        for lease_id in lost.keys() & (self._missing or set()):
            await _close(db, storage, lease_id, lost[lease_id].id)
        self._missing = set(lost)
        async with db.session_context(begin_transaction=True, with_for_update=True) as session:
            await _count_slots(db, session, storage)


_watch = LeaseWatch()


@perpetual_service(
    enabled_getter=lambda: get_current_settings().server.services.repossessor.enabled
)
async def settle_leases(
    perpetual: Perpetual = Perpetual(automatic=True, every=timedelta(seconds=LOOK_EVERY_S)),  # noqa: B008  how docket is told
) -> None:
    """Look once more; the server calls it for as long as it runs.

    Parameters
    ----------
    perpetual
        How often.
    """
    del perpetual
    await _watch.look(provide_database_interface(), get_concurrency_lease_storage())


async def _lease_ids(storage: ConcurrencyLeaseStorage) -> list[UUID]:
    """Return the leases that hold slots: those that have not run out, or not been revoked yet."""
    found = await storage.read_expired_lease_ids(limit=10_000)
    offset = 0
    while page := await storage.read_active_lease_ids(limit=1000, offset=offset):
        found += page
        offset += len(page)
    return found


async def _runs_with_lease(db: PrefectDBInterface, session: AsyncSession) -> dict[UUID, FlowRun]:
    """Return the unfinished runs of deployments by the id of the lease that they were given."""
    query = sa.select(db.FlowRun).where(
        db.FlowRun.state_type.in_(HOLDING), db.FlowRun.deployment_id.is_not(None)
    )
    found: dict[UUID, FlowRun] = {}
    for run in (await session.execute(query)).unique().scalars():
        lease_id = run.state and run.state.state_details.deployment_concurrency_lease_id
        if lease_id:
            found[lease_id] = run
    return found


async def _give_back(
    db: PrefectDBInterface, storage: LeaseFiles, lease_id: UUID, run: FlowRun
) -> None:
    query = sa.select(db.Deployment.concurrency_limit_id).where(
        db.Deployment.id == run.deployment_id
    )
    async with db.session_context() as session:
        limit_id = await session.scalar(query)
    if limit_id is None:
        return
    expiration = datetime.now(UTC) + timedelta(seconds=RESPITE_S)
    lease = ResourceLease(
        id=lease_id,
        resource_ids=[limit_id],
        metadata=ConcurrencyLimitLeaseMetadata(slots=1),
        expiration=expiration,
    )
    # Prefect makes leases under new ids only, and the run will renew the one that it knows.
    storage._atomic_write_json(storage._lease_file_path(lease_id), storage._serialize_lease(lease))
    await storage._update_expiration_index(lease_id, expiration)


async def _close(
    db: PrefectDBInterface, storage: ConcurrencyLeaseStorage, lease_id: UUID, run_id: UUID
) -> None:
    """Close a run that lost its lease, unless it has gone on since it was looked at."""
    async with db.session_context(begin_transaction=True, with_for_update=True) as session:
        run = (await _runs_with_lease(db, session)).get(lease_id)
        if run is None or run.id != run_id or run.state is None:
            return
        state = _successor(run.state.type)
        logger.warning("Flow run %s lost its lease: %s -> %s", run.name, run.state.name, state.name)
        await models.flow_runs.set_flow_run_state(session, run_id, state, force=True)
        # Prefect freed one slot too many: this run's own was free already.
        await _count_slots(db, session, storage)


def _successor(held: StateType) -> State:
    if held == StateType.PENDING:
        return states.Scheduled(message="Its worker ended before it started; the next takes it.")
    if held == StateType.CANCELLING:
        return states.Cancelled(message="Its process died while it was cancelled.")
    return states.Crashed(message="Its process died: it no longer renewed its lease.")


async def _count_slots(
    db: PrefectDBInterface, session: AsyncSession, storage: ConcurrencyLeaseStorage
) -> None:
    """Set the slots in use of every deployment to the number of its leases."""
    query = sa.select(db.ConcurrencyLimitV2).where(
        db.ConcurrencyLimitV2.name.startswith(LIMIT_PREFIX)
    )
    # Locked before the leases are read: whoever takes or frees a slot has finished, or waits.
    limits = (await session.execute(query.with_for_update())).scalars().all()
    held = dict.fromkeys((limit.id for limit in limits), 0)
    for lease_id in await _lease_ids(storage):
        lease = await storage.read_lease(lease_id)
        for limit_id in held.keys() & set(lease.resource_ids if lease else ()):
            held[limit_id] += 1
    for limit in limits:
        if limit.active_slots != held[limit.id]:
            logger.warning(
                "%s: %d slots, %d leases", limit.name, limit.active_slots, held[limit.id]
            )
            limit.active_slots = held[limit.id]
