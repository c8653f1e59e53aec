"""Locations that were stored as whole paths, as they are called where the data folder lies now.

A path names a data folder when it ends as this layout's paths do: in MLflow's artifacts, or in an
artifact of a kind and an id. Everything before that is the folder's own place, which changes when
it is moved or copied. So nobody has to note where a folder once was, and what names no data folder
(``s3://bucket/runs``, ``/mnt/runs``) is left alone. The price: a folder that somebody built alike
by hand is taken for one of ours.
"""

import json
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mmpipeline.storage.layout import ARTIFACT_FOLDERS, ARTIFACT_ID, RECIPES_FOLDER, DataLayout

TRACKED_FILES = ("state", "mlflow-artifacts")
"""Folder of what MLflow keeps of runs and models, below the data folder."""
_ARTIFACTS = [PurePosixPath(folder).parts for folder in ARTIFACT_FOLDERS.values()]


def follow(layout: DataLayout, stored: str) -> tuple[str, Path | None]:
    """Return what a stored place is to be called here.

    Parameters
    ----------
    layout
        The data folder.
    stored
        A path, a ``file:`` address, any other address, or a JSON object that holds one as ``uri``,
        as MLflow describes where a data set came from.

    Returns
    -------
    place : str
        As it was stored when it names this folder, however spelled, or no data folder.
    root : Path or None
        The other data folder that it named; None where it is returned as it was.
    """
    if stored.startswith("{"):
        return _follow_json(layout, stored)
    path = path_of(stored)
    parted = _part(path) if path is not None else None
    if parted is None or is_same(parted[0], layout.root):
        return stored, None
    place = layout.root / parted[1]
    return place.as_uri() if stored.startswith("file:") else str(place), parted[0]


def _follow_json(layout: DataLayout, stored: str) -> tuple[str, Path | None]:
    try:
        source = json.loads(stored)
        place, root = follow(layout, source["uri"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return stored, None
    return (stored if root is None else json.dumps(source | {"uri": place})), root


def local_place(layout: DataLayout, stored: str) -> Path:
    """Return the folder that was noted as `layout.relative` or, earlier, as a whole path.

    Parameters
    ----------
    layout
        The data folder.
    stored
        The note.

    Returns
    -------
    Path
        Below the data folder, unless the note names no data folder.
    """
    return layout.resolve(follow(layout, stored)[0])


def path_of(stored: str) -> PurePosixPath | None:
    """Return the whole path of a place on this machine; None for any other place."""
    if stored.startswith("file:"):
        return PurePosixPath(unquote(urlsplit(stored).path))
    return PurePosixPath(stored) if stored.startswith("/") else None


def is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one folder, by a link or a bind mount or as they stand."""
    if one == other:
        return True
    try:
        return one.samefile(other)
    except OSError:  # what is not there is no other spelling
        return False


def _part(path: PurePosixPath) -> tuple[Path, PurePosixPath] | None:
    """Part a path into a data folder and what lies in it; None when it names no data folder."""
    parts = path.parts
    inside = [n for n in range(1, len(parts)) if parts[n : n + len(TRACKED_FILES)] == TRACKED_FILES]
    for folder in (*_ARTIFACTS, (RECIPES_FOLDER, *parts[-2:-1])):
        begin = len(parts) - len(folder) - 1
        if begin > 0 and parts[begin:-1] == folder and ARTIFACT_ID.fullmatch(parts[-1]):
            inside.append(begin)
    if not inside:
        return None
    begin = max(inside)
    return Path(*parts[:begin]), PurePosixPath(*parts[begin:])
