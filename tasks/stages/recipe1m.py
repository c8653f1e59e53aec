"""The English door: a folder in Recipe1M's layout becomes recipes."""

import time
from collections.abc import Callable
from pathlib import Path

from prefect import task

from mmpipeline.config import Recipe1MConfig
from mmpipeline.planning.keys import recipe1m_key
from mmpipeline.sources.recipe1m import digest_dump, normalize_dump
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.cluster import lent_workers
from tasks.runtime.stage import log, produce


@task
def normalize(dump: Path, config: Recipe1MConfig, data_root: Path) -> Path:
    """Normalise a dump; return the artifact's folder."""
    layout = DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        with lent_workers(layout) as workers:
            return normalize_dump(dump, draft.folder, layout, config, workers)

    # Photo paths are stored as they lie: a dump that moved has to be normalised anew.
    key = recipe1m_key(f"{digest_dump(dump)} at {layout.relative(dump)}", config)
    return produce(data_root, key, make, ("recipes", "photos", "photos_missing", "quarantined"))


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
