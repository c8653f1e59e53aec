"""The record of releases, `releases.json` beside CURRENT: what was decided, when and why.

CURRENT is the truth and is changed first; a publisher that is killed between the two leaves a
record that lags behind, which the next one mends. The record also notes which versions the model
registry's aliases were last seen to name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import current_version, sound_version
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout

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


def record(
    layout: DataLayout,
    version: str,
    action: Action,
    before: str | None,
    reason: str,
    figures: Mapping[str, float] | None = None,
) -> Release:
    """Write a decision down; see `Release`.

    Raises
    ------
    OSError
        If the record cannot be written; it is then as it was.
    """
    entry = Release(version, action, _time(), before, reason, dict(figures or {}))
    content = _read_content(layout)
    content["releases"] = [*content.get("releases", []), asdict(entry)]
    write_json_atomic(_record_path(layout), content)
    return entry


def already_answers(version: str) -> Release:
    """Return what is said of a version that answers and is to be; it is not recorded."""
    return Release(version, "promoted", _time(), version, "it answers already")


def mend_record(layout: DataLayout) -> None:
    """Write down what answers, where whoever promoted it was killed before the record was written.

    To be called with the publishers' lock held.
    """
    now, entries = sound_version(layout), _read_content(layout).get("releases", [])
    answering = [entry["version"] for entry in entries if entry["action"] != "refused"]
    before = answering[-1] if answering else None
    if now is not None and before is not None and now != before:
        action: Action = "rolled back" if now in _history(read_releases(layout)) else "promoted"
        record(layout, now, action, before, "found answering: its publisher was killed")


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


def answered_before(layout: DataLayout, now: str | None) -> list[str]:
    """Return the versions that answered before the present one, the last of them first.

    Raises
    ------
    ArtifactError
        If none is recorded.
    """
    history = _history(read_releases(layout))
    if history and history[-1] == now:
        earlier = [version for version in dict.fromkeys(reversed(history)) if version != now]
        if earlier:
            return earlier
    raise ArtifactError(
        "no earlier version is recorded; name one: mmpipeline index list shows them"
    )


def _history(releases: Iterable[Release]) -> list[str]:
    """Return the versions that took over from each other, the last of which answers.

    What was rolled back from is forgotten, so that going back twice goes back two steps and never
    forward again.
    """
    history: list[str] = []
    for entry in releases:
        if entry.action == "refused":
            continue
        if not history and entry.before:
            history.append(entry.before)
        if entry.action == "rolled back" and entry.version in history:
            while history[-1] != entry.version:
                history.pop()
        else:
            history.append(entry.version)
    return history


def _read_content(layout: DataLayout) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(_record_path(layout).read_bytes())
    except (OSError, ValueError):
        return {}
    return content


def _record_path(layout: DataLayout) -> Path:
    return layout.current_index.parent / RELEASES_NAME


def _time() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
