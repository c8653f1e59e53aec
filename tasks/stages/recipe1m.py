"""Recipe1M: a folder in its layout becomes recipes, as soon as it has arrived."""

import time
from collections.abc import Callable
from pathlib import Path

from prefect import task

from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.sources.recipe1m.source import SOURCE
from tasks.runtime.recipes import produce_recipes
from tasks.runtime.stage import log


@task
def normalize(dump: Path, config: Recipe1MConfig, data_root: Path) -> Path:
    """Normalise a dump; return the artifact's folder."""
    return produce_recipes(SOURCE.kind, dump, config, data_root)


@task
def find_arrival(
    inbox: Path, settle_s: float, clock: Callable[[], float] = time.time
) -> Path | None:
    """Return the newest dump of an inbox in which nothing has changed for a while.

    A dump that is still being copied is left for the next look. Files from the future, written
    before the clock was put back, count as old.
    """
    changed = {
        folder: [path.stat().st_mtime for path in folder.iterdir()]
        for folder in (inbox.iterdir() if inbox.is_dir() else ())
        if folder.is_dir() and any(folder.glob("layer1.json*"))
    }
    if not changed:
        log.info("No dump in %s.", inbox)
        return None
    newest = max(changed, key=lambda folder: (max(changed[folder]), folder.name))
    if any(abs(clock() - moment) < settle_s for moment in changed[newest]):
        log.info("%s is still arriving.", newest)
        return None
    return newest
