"""The two steps that bring recipes in, whatever the source: fetch its input, normalise it.

Tasks of the sources differ in what they name and note; that an artifact follows from the input's
state, and what an earlier one may be taken for, is the same for all and stands here.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmpipeline.config.base import Section
from mmpipeline.errors import ArtifactError
from mmpipeline.planning.keys import recipes_key
from mmpipeline.sources import Fetched, Reading, find_source
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey
from tasks.runtime.cluster import cluster_workers
from tasks.runtime.stage import produce, publish_counts, report


def tell_fetched(stage: str, result: Fetched, started: float) -> None:
    """Say and publish what a fetch did: one line, and a table of counts.

    Parameters
    ----------
    stage
        What it is called.
    result
        What it did.
    started
        When it began, on the clock of `time.perf_counter`, in seconds.
    """
    report(stage, result.describe(), seconds=time.perf_counter() - started)
    publish_counts(stage, result.counts())


def produce_recipes(
    kind: str, place: Path, config: Section, data_root: Path, notes: Mapping[str, Any] | None = None
) -> Path:
    """Normalise a source's input as it is now; return the artifact's folder.

    Parameters
    ----------
    kind
        Of the source.
    place
        Its input.
    config
        The source's own section.
    data_root
        The data folder.
    notes
        What the artifact's manifest notes of the place; only an artifact with the same notes is
        taken for an earlier one.

    Returns
    -------
    Path
        The artifact's folder.
    """
    source, layout, noted = find_source(kind), DataLayout.at(data_root), dict(notes or {})
    key = recipes_key(kind, source.discover(place, layout), config)

    def make(draft: Draft) -> dict[str, float]:
        draft.notes.update(noted)
        with cluster_workers(layout) as workers:
            reading = Reading(
                place, draft.folder, layout, workers, lambda: find_earlier(layout, key, noted)
            )
            return source.normalise(reading, config)

    return produce(data_root, key, make, source.shown)


def find_earlier(layout: DataLayout, key: ArtifactKey, notes: Mapping[str, Any]) -> Path | None:
    """Return the newest recipe artifact if `key`'s code made it from the same place; else None.

    Its files are hashed first: what is copied from it should be what was written.

    Parameters
    ----------
    layout
        The data folder.
    key
        Of the artifact that is being made.
    notes
        What its manifest notes of the place.

    Returns
    -------
    Path or None
        Its folder.
    """
    try:
        newest = ArtifactStore(layout).latest(key.kind)
        newest.verify()
    except ArtifactError:
        return None
    is_same_code = newest.manifest.source_digest == key.source_digest
    is_same_place = all(newest.manifest.notes.get(name) == notes[name] for name in notes)
    return newest.folder if is_same_code and is_same_place else None
