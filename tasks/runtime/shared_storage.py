"""Artifacts that other machines made, and ours for them, when `MMPIPELINE_SHARED` names a storage.

A run never waits for the storage: when it is away, the stage is computed here and the artifact is
pushed by the next run that finds it done. What is damaged there is named, made anew and replaced.
Only a setting that cannot work is an error.
"""

import logging
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from mmpipeline.config.environment import load_settings
from mmpipeline.errors import ArtifactError, SharedStorageError
from mmpipeline.planning.refresh import RefreshPlan
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.provenance import ArtifactKey
from mmpipeline.storage.shared import SharedStorage

log = logging.getLogger("mmpipeline.run")


def fetch(store: ArtifactStore, key: ArtifactKey) -> Artifact | None:
    """Bring an artifact in that another machine has made.

    Parameters
    ----------
    store
        The data folder's artifacts.
    key
        What it is made from.

    Returns
    -------
    Artifact or None
        None when there is no shared storage, it is away, or does not have it whole.
    """
    storage = shared_storage()
    if storage is None or store.renewal_requested(key):
        return None
    try:
        return storage.fetch(key, store)
    except SharedStorageError as error:
        log.warning("%s; %s is computed here", error, key.kind)
    except ArtifactError as error:
        log.warning("%s; %s is computed here and replaced there", error, key.kind)
        store.request_renewal(key)
    return None


def share(artifact: Artifact, *, replace: bool = False) -> None:
    """Put an artifact where other machines find it.

    Parameters
    ----------
    artifact
        A whole one.
    replace
        Also if it is there.
    """
    storage = shared_storage()
    if storage is None:
        return
    try:
        if sent := storage.push(artifact, replace=replace):
            log.info(
                "%s %s: %d files sent to %s", artifact.manifest.kind, artifact.id, sent, storage.url
            )
    except SharedStorageError as error:
        log.warning("%s; %s is not shared yet, the next run tries again", error, artifact.id)


def shared_storage() -> SharedStorage | None:
    """Return the storage that the environment names; None when it names none.

    Raises
    ------
    ConfigError
        If the address cannot be used.
    """
    url = load_settings().shared
    return None if url is None else _open(url)


def finish_up_to_date(data_root: Path, plan: RefreshPlan) -> Path:
    """Share what an earlier run could not, say that nothing is new; return the index's folder."""
    store = ArtifactStore(DataLayout.at(data_root))
    if shared_storage() is not None:  # an earlier run may not have reached it
        _share_all(store, plan)
    folder = store.folder(plan.stages[-1].key)
    log.info("Nothing new: index %s is up to date, no other stage ran.", folder.name)
    return folder


def _share_all(store: ArtifactStore, plan: RefreshPlan) -> None:
    for stage in plan.stages:
        if (artifact := store.find(stage.key)) is not None:
            share(artifact)
    for kind in ("frozen_set", "frozen_scores"):  # no stages of the plan, made beside evaluation
        for path in sorted(store.layout.artifacts(kind).glob("*/")):
            with suppress(ArtifactError):  # the next evaluation says what is damaged
                share(open_artifact(path, kind=kind))


@lru_cache(maxsize=2)
def _open(url: str) -> SharedStorage:
    return SharedStorage.open(url)
