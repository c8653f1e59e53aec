"""The record of the code that artifacts were made by, so that a plan can say what changed.

A manifest holds one digest of it all. The digests of the parts lie beside the data, a file a
version of a stage's code, and the last few are kept: without one, a plan just says less.
"""

import json
from contextlib import suppress
from pathlib import Path

from mmpipeline.planning.keys import entries_of
from mmpipeline.provenance.code import CODE_MARK, covered_code
from mmpipeline.provenance.reach import Reach
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey

KEPT_VERSIONS = 5  # of a stage's code
SHOWN = 3


def record_code(layout: DataLayout, key: ArtifactKey) -> None:
    """Keep the parts of the code that an artifact is made by.

    Parameters
    ----------
    layout
        The data folder.
    key
        Of the artifact; nothing is kept where its digest is not of the present code, or the disk
        is full or may not be written to: the artifact is what matters.
    """
    path = _place(layout, key.kind, key.source_digest)
    if path is None or path.exists():
        return
    covered = covered_code(*entries_of(key.kind, key.config))
    if key.source_digest != f"{CODE_MARK}{covered.digest}":
        return
    with suppress(OSError):
        write_json_atomic(path, _parts(covered))
        versions = path.parent.glob(f"{key.kind}-*.json")
        for old in sorted(versions, key=lambda one: one.stat().st_mtime)[:-KEPT_VERSIONS]:
            old.unlink(missing_ok=True)


def describe_change(layout: DataLayout, key: ArtifactKey, before: str) -> str:
    """Say what differs in a stage's code.

    Parameters
    ----------
    layout
        The data folder.
    key
        Of the artifact that the stage would leave.
    before
        The digest of an earlier artifact's code.

    Returns
    -------
    str
        Such as `` (mmpipeline.models.fusions.heads:ProjectionHead and 2 more)``; empty where it
        is not known.
    """
    path, earlier = _place(layout, key.kind, before), None
    with suppress(OSError, ValueError):
        earlier = json.loads(path.read_bytes()) if path else None
    if not isinstance(earlier, dict):
        return ""
    now = _parts(covered_code(*entries_of(key.kind, key.config)))
    names = [name for name in sorted({*earlier, *now}) if earlier.get(name) != now.get(name)]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f" ({', '.join(names[:SHOWN])}{more})" if names else ""


def _parts(covered: Reach) -> dict[str, str]:
    return {name: digest[:16] for name, digest in (covered.definitions | covered.data).items()}


def _place(layout: DataLayout, kind: str, digest: str) -> Path | None:
    """Return where the parts of a digest lie; None where it is of the former kind."""
    if not digest.startswith(CODE_MARK):
        return None
    return layout.state / "code" / f"{kind}-{digest.removeprefix(CODE_MARK)}.json"
