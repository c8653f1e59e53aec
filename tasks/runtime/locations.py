"""MLflow's locations, set right before anything uses them where the data folder was moved.

It happens as the only run of the folder, since another one may be writing to the places that
change. What is right already costs no lock but a look: at all of it when a process opens the
folder, at the experiments after that, whose places are what new runs get.
"""

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path

from mmpipeline.errors import BusyError
from mmpipeline.operations.locations import (
    STORE_NAME,
    ForeignLocation,
    foreign_locations,
    set_right,
)
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.run_lock import data_root_lock

WAIT_S = 10.0  # whoever holds the lock sets them right at its start
_looked_through: set[Path] = set()
log = logging.getLogger("mmpipeline.run")


def settle_locations(data_root: Path) -> None:
    """Let the places in MLflow's embedded store and the pointers of its registry follow the folder.

    Parameters
    ----------
    data_root
        The data folder; one without a store is left alone.

    Raises
    ------
    BusyError
        If places are to be set right and another run works there still, or the store cannot be read
        or written; the places are then as they were.
    InputError
        If places are to be set right and the store is one file with another folder's.
    OSError
        If a place cannot be written.
    """
    layout = DataLayout.at(data_root)
    try:
        changed = _settle(layout)
    except sqlite3.Error as error:
        raise BusyError(
            f"{layout.state / STORE_NAME} cannot be used ({error}); `mmpipeline doctor` says more"
        ) from error
    _looked_through.add(layout.root)
    before = sorted({str(one.root) for one in changed if one.root is not None})
    if before:
        log.info(
            "%d places in MLflow and its registry named %s; they name this data folder now.",
            len(changed),
            ", ".join(before),
        )


def settle_at_start(data_root: Path) -> None:
    """Do as `settle_locations`; a store that cannot be used is told by whoever needs it.

    Parameters
    ----------
    data_root
        The data folder, whose run lock is held.

    Raises
    ------
    InputError, OSError
        As there.
    """
    with suppress(BusyError):
        settle_locations(data_root)


def _settle(layout: DataLayout) -> list[ForeignLocation]:
    if not foreign_locations(layout, quick=layout.root in _looked_through):
        return []
    with data_root_lock(layout.root, WAIT_S):
        return set_right(layout)
