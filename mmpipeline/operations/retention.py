"""The retention rule: artifacts that nothing needs any more.

What is kept: whatever ``LATEST`` or ``CURRENT`` names, the newest versions of each kind, everything
younger than some days, every frozen set, and whatever the manifests of kept artifacts name as their
inputs, to any depth.
A catalogue's predecessor is history, not an input: a version holds all of its rows itself, so
the chain of predecessors does not keep every catalogue ever made.

An artifact is renamed out of its place in one step and deleted afterwards, so a reader sees it
whole or not at all; files that versions share are hard links and live on with the others.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mmpipeline.config.publish import RetentionConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.held import hold_folder
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact

HISTORY_ROLES = frozenset({"previous", "drawn_from"})
"""Inputs that an artifact was made beside, and does not need once it exists."""
KEPT_KINDS = frozenset({"frozen_set"})
"""What could not be made again: it is drawn once, and later figures compare by it."""


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What goes and what stays.

    Attributes
    ----------
    kept, expired
        Finished artifacts, by kind and then oldest first.
    unreadable
        Folders among the versions that are no artifact this version reads; never touched.
    """

    kept: list[Artifact]
    expired: list[Artifact]
    unreadable: list[Path]

    @property
    def expired_bytes(self) -> int:
        """What the files of the expired artifacts take, in bytes."""
        return sum(
            int(entry["bytes"])
            for artifact in self.expired
            for entry in artifact.manifest.files.values()
        )


def plan_retention(layout: DataLayout, config: RetentionConfig, now: datetime) -> RetentionPlan:
    """Decide which artifacts have expired; nothing is touched.

    Parameters
    ----------
    layout
        The data folder.
    config
        How many and how long.
    now
        The time to count days from, with its zone.

    Returns
    -------
    RetentionPlan
        Every artifact below the folder, on one of the two sides.
    """
    found: list[Artifact] = []
    unreadable: list[Path] = []
    for kind in layout.kinds():
        for folder in _version_folders(layout, kind):
            try:
                found.append(open_artifact(folder, kind))
            except ArtifactError:
                unreadable.append(folder)
    found.sort(key=lambda artifact: (artifact.manifest.kind, artifact.manifest.created_at))
    needed = _close_over_inputs(found, _roots(layout, found, config, now))
    return RetentionPlan(
        kept=[artifact for artifact in found if artifact.id in needed],
        expired=[artifact for artifact in found if artifact.id not in needed],
        unreadable=unreadable,
    )


def remove_expired(layout: DataLayout, plan: RetentionPlan) -> dict[str, float]:
    """Delete the expired artifacts of a plan.

    Parameters
    ----------
    layout
        The data folder; nobody may be working on it meanwhile.
    plan
        From `plan_retention`.

    Returns
    -------
    dict
        ``removed`` and ``kept`` artifacts, ``freed_mb``, ``unreadable`` folders left alone.
    """
    for artifact in plan.expired:
        with hold_folder(layout.temporary, "expired") as trash:
            artifact.folder.rename(trash)
    return {
        "removed": float(len(plan.expired)),
        "kept": float(len(plan.kept)),
        "freed_mb": round(plan.expired_bytes / 1e6, 1),
        "unreadable": float(len(plan.unreadable)),
    }


def _version_folders(layout: DataLayout, kind: str) -> Iterator[Path]:
    path = layout.artifacts(kind)
    if path.is_dir():
        yield from sorted(folder for folder in path.iterdir() if folder.is_dir())


def _roots(
    layout: DataLayout, found: Iterable[Artifact], config: RetentionConfig, now: datetime
) -> set[str]:
    """Return the ids that are kept for themselves."""
    roots = set(_pointed_at(layout))
    youngest_first: dict[str, list[Artifact]] = {}
    oldest = (now.astimezone(UTC) - timedelta(days=config.keep_days)).isoformat()
    for artifact in found:
        youngest_first.setdefault(artifact.manifest.kind, []).insert(0, artifact)
        if artifact.manifest.created_at >= oldest or artifact.manifest.kind in KEPT_KINDS:
            roots.add(artifact.id)
    for versions in youngest_first.values():
        roots.update(artifact.id for artifact in versions[: config.keep_versions])
    return roots


def _pointed_at(layout: DataLayout) -> Iterator[str]:
    """Yield the ids of the latest artifact of each kind, and of the published index."""
    store = ArtifactStore(layout)
    yield from filter(None, map(store.latest_id, layout.kinds()))
    with suppress(OSError):
        yield layout.current_index.read_text(encoding="utf-8").strip()


def _close_over_inputs(found: Iterable[Artifact], roots: set[str]) -> set[str]:
    """Return the roots and all that their manifests name as inputs, to any depth."""
    by_id = {artifact.id: artifact for artifact in found}
    needed: set[str] = set()
    waiting = [name for name in roots if name in by_id]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        inputs = by_id[name].manifest.inputs
        waiting += [
            source
            for role, source in inputs.items()
            if role not in HISTORY_ROLES and source in by_id
        ]
    return needed
