"""Which version answers: promotion through a gate, rollback, and a record of both.

CURRENT is the truth; `releases.json` beside it tells how it came to be, and names the challenger:
the newest version that the gate refused, with the reason. Whoever promotes holds a lock, and must
have seen the version that answers: of two publishers one wins, and the other is told.

The gate: recall against exact search, the figures of the fixed exam within a tolerance of the
version that answers, and no mass disappearance of items.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.config import PromotionConfig
from mmpipeline.errors import ArtifactError, BusyError
from mmpipeline.search.current import current_version, promote
from mmpipeline.storage import DataLayout, open_artifact, write_json_atomic

if TYPE_CHECKING:
    from mmpipeline.search.index import SearchIndex

RELEASES_NAME = "releases.json"
Action = Literal["promoted", "refused", "rolled back"]


@dataclass(frozen=True, slots=True)
class Release:
    """One decision.

    Attributes
    ----------
    version
        The version that was decided on.
    before
        What answered until then.
    reason
        Why, in words.
    figures
        Of the exam and the comparison.
    """

    version: str
    action: Action
    at: str
    before: str | None
    reason: str
    figures: dict[str, float] = field(default_factory=dict)


def release(
    layout: DataLayout,
    version: str,
    config: PromotionConfig,
    seen: str | None,
    *,
    force: bool = False,
) -> Release:
    """Let a version answer, if the gate lets it.

    Parameters
    ----------
    layout
        The data folder, with an exam.
    version
        Id of a finished index version.
    config
        The gate.
    seen
        The version that answered when this one was begun.
    force
        Promote whatever the gate says; the record says so.

    Returns
    -------
    Release
        Promoted, or refused with the reason.

    Raises
    ------
    BusyError
        If another publisher is at work, or was quicker.
    ArtifactError
        If the version is damaged.
    """
    with _publishing(layout):
        now = current_version(layout)
        if now == version:
            return Release(version, "promoted", _time(), now, "it answers already")
        if now != seen:
            raise BusyError(
                f"another publisher promoted {now} meanwhile; {version} is kept and not promoted: "
                "run again to compare it with that one"
            )
        figures, objections = examine(layout, version, now, config)
        if objections and not force:
            reason = "; ".join(objections)
            return _record(layout, Release(version, "refused", _time(), now, reason, figures))
        promote(layout, version)
        reason = f"forced, although {'; '.join(objections)}" if objections else "passed the gate"
        return _record(layout, Release(version, "promoted", _time(), now, reason, figures))


def roll_back(layout: DataLayout, version: str | None = None) -> Release:
    """Let an earlier version answer again.

    Parameters
    ----------
    layout
        The data folder.
    version
        Its id; None takes the one that answered before the present one.

    Returns
    -------
    Release
        What was done.

    Raises
    ------
    ArtifactError
        If there is no such version, or it is damaged; CURRENT is then left as it was.
    """
    with _publishing(layout):
        now = current_version(layout)
        if version is None:
            version = _answered_before(layout, now)
        promote(layout, version)
        return _record(layout, Release(version, "rolled back", _time(), now, f"instead of {now}"))


def examine(
    layout: DataLayout, version: str, champion: str | None, config: PromotionConfig
) -> tuple[dict[str, float], list[str]]:
    """Compare a version with the one that answers.

    Parameters
    ----------
    layout
        The data folder, with an exam.
    version
        The new version.
    champion
        The one that answers; None when there is none, and nothing to compare with.
    config
        The gate.

    Returns
    -------
    figures : dict
        Of the exam, those of the champion with ``_before``; ``lost_items_share``.
    objections : list of str
        Why it should not answer; empty when it may.
    """
    from mmpipeline.search.exam import sit_exam  # asking what was decided needs neither
    from mmpipeline.search.index import SearchIndex

    index = SearchIndex.open(layout, version)
    figures = sit_exam(layout, index)
    recall = open_artifact(layout.artifacts("index") / version, "index").counts["recall_at_10"]
    objections = []
    if recall < config.min_recall_at_10:
        objections.append(f"recall at 10 is {recall:.3f}, the floor {config.min_recall_at_10}")
    try:
        before = SearchIndex.open(layout, champion) if champion else None
    except ArtifactError:
        before = None  # what answers is damaged: anything sound is better
    if before is None:
        return figures, objections
    earlier = sit_exam(layout, before)
    for name, value in earlier.items():
        figures[f"{name}_before"] = value
        if name.endswith("recall_at_1") and figures.get(name, 0.0) < value - config.tolerance:
            objections.append(f"{name} fell from {value:.3f} to {figures.get(name, 0.0):.3f}")
    lost = lost_share(before, index)
    figures["lost_items_share"] = lost
    if lost > config.max_lost_items:
        objections.append(
            f"{lost:.1%} of the items would be gone, at most {config.max_lost_items:.0%}"
        )
    return figures, objections


def lost_share(before: "SearchIndex", after: "SearchIndex") -> float:
    """Return the share of one index's items that another lacks."""
    ids = [index.columns_at(index.rows, ("recipe_id",))["recipe_id"] for index in (before, after)]
    if not ids[0]:
        return 0.0
    kept: int = pc.sum(pc.is_in(_array(ids[0]), _array(ids[1]))).as_py()
    return 1 - kept / len(ids[0])


def read_releases(layout: DataLayout) -> list[Release]:
    """Return every decision that was recorded, oldest first.

    Raises
    ------
    ArtifactError
        If the record is damaged.
    """
    try:
        content = json.loads(_record_path(layout).read_bytes())
        return [Release(**entry) for entry in content["releases"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{_record_path(layout)} cannot be read ({error}); delete it"
        ) from error


def challenger(layout: DataLayout) -> Release | None:
    """Return the newest version that the gate refused, unless it was promoted since."""
    for entry in reversed(read_releases(layout)):
        if entry.action == "refused":
            return None if entry.version == current_version(layout) else entry
        if entry.action == "promoted":
            return None
    return None


def was_refused(layout: DataLayout, version: str) -> bool:
    """Return whether the gate refused a version in favour of the one that answers now."""
    now = current_version(layout)
    return any(
        entry.version == version and entry.action == "refused" and entry.before == now
        for entry in read_releases(layout)
    )


def note_aliases(layout: DataLayout, applied: Mapping[str, str | None]) -> None:
    """Note which versions the model registry's aliases name, for `alias_difference`."""
    content = _read_content(layout) | {"aliases": dict(applied)}
    write_json_atomic(_record_path(layout), content)


def alias_difference(layout: DataLayout) -> str | None:
    """Say how the registry's alias ``champion`` differs from CURRENT; None when it does not."""
    aliases = _read_content(layout).get("aliases", {})
    now = current_version(layout)
    if not aliases or aliases.get("champion") == now:
        return None
    return f"the alias champion names {aliases.get('champion')}, CURRENT names {now}"


def _answered_before(layout: DataLayout, now: str | None) -> str:
    for entry in reversed(read_releases(layout)):
        if entry.version == now and entry.action != "refused" and entry.before:
            return entry.before
    raise ArtifactError(
        "no earlier version is recorded; name one: mmpipeline index list shows them"
    )


def _record(layout: DataLayout, entry: Release) -> Release:
    content = _read_content(layout)
    content["releases"] = [*content.get("releases", []), asdict(entry)]
    write_json_atomic(_record_path(layout), content)
    return entry


def _read_content(layout: DataLayout) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(_record_path(layout).read_bytes())
    except (OSError, ValueError):
        return {}
    return content


def _record_path(layout: DataLayout) -> Path:
    return layout.current_index.parent / RELEASES_NAME


def _array(ids: list[str]) -> pa.Array:
    return pa.array(ids, pa.string())


def _time() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _publishing(layout: DataLayout) -> Iterator[None]:
    """Hold the lock of whoever promotes.

    Raises
    ------
    BusyError
        If somebody else holds it.
    """
    path = layout.current_index.parent / "publish.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError("another publisher is at work; run again when it has ended") from error
        yield
