"""The flow that normalises a Recipe1M dump when one arrives."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import recipe1m


@flow(name="normalize_arrivals", **HOOKS)
def normalize_arrivals(
    inbox: Path | None = None,
    settle_s: float = 120,
    config: Recipe1MConfig = Recipe1MConfig(),
    data_root: Path | None = None,
) -> Path | None:
    """Look for a dump in the inbox, and normalise the newest one.

    Parameters
    ----------
    inbox
        Folder whose sub-folders are dumps; None takes `raw/inbox` below the data folder.
    settle_s
        A dump has arrived when nothing in it changed for this long, in seconds.
    config
        How it is read.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path or None
        Folder of the recipe artifact; None when nothing has arrived.
    """
    root = data_root or default_root()
    dump = recipe1m.find_arrival(inbox or root / "raw" / "inbox", settle_s)
    return recipe1m.normalize(dump, config, root) if dump else None
