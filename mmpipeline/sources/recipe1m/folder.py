"""The contents of a Recipe1M folder, and a digest of all that decides the result.

The layer files are hashed in full. Of a photo its path and size count, and its content if it is
small, else a stretch from its head, middle and tail: reading every byte of a hundred gigabytes to
find out that nothing changed would cost as much as doing the work again. A large photo changed
elsewhere at the same size goes unnoticed.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmpipeline.errors import InputError
from mmpipeline.storage.manifest import digest_file

_PARTITIONS = ("train", "val", "test")
_SMALL_BYTES = 16_384
_SAMPLED_BYTES = 2048


@dataclass(frozen=True, slots=True)
class DumpFolder:
    """The files of a dump.

    Attributes
    ----------
    folder
        Where they lie.
    layer1
        The recipes' text.
    image_lists
        layer2 and layer2+, those that are there.
    detected
        det_ingrs, if it is there.
    removed
        remove1M.txt, if it is there.
    classes
        classes1M as Parquet or JSON, if it is there; the pickle is never looked at.
    """

    folder: Path
    layer1: Path
    image_lists: tuple[Path, ...]
    detected: Path | None = None
    classes: Path | None = None
    removed: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        rest = (path for path in (self.detected, self.classes, self.removed) if path is not None)
        return (self.layer1, *self.image_lists, *rest)


def open_dump(folder: Path) -> DumpFolder:
    """Find the files of a dump.

    Parameters
    ----------
    folder
        Folder with layer1.json, and layer2.json or layer2+.json if there are photos; each may
        end in ``.gz``.

    Returns
    -------
    DumpFolder
        The files that are there.

    Raises
    ------
    InputError
        If there is no such folder, or no layer1.json in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with Recipe1M's layer1.json")
    layer1 = _find(folder, "layer1.json")
    if layer1 is None:
        names = sorted(path.name for path in folder.iterdir())
        found = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"
        raise InputError(
            f"{folder}: expected layer1.json or layer1.json.gz, found {found}; "
            "give the folder that holds Recipe1M's layer files"
        )
    lists = (_find(folder, name) for name in ("layer2.json", "layer2+.json"))
    classes = (folder / name for name in ("classes1M.parquet", "classes1M.json"))
    return DumpFolder(
        folder,
        layer1,
        image_lists=tuple(path for path in lists if path is not None),
        detected=_find(folder, "det_ingrs.json"),
        removed=_find(folder, "remove1M.txt"),
        classes=next((path for path in classes if path.is_file()), None),
    )


def digest_dump(folder: Path) -> str:
    """Digest what decides the result of `normalize_dump`.

    Parameters
    ----------
    folder
        The dump's folder.

    Returns
    -------
    str
        16 hex digits; the same for a copy of the folder elsewhere.

    Raises
    ------
    InputError
        As `open_dump`.
    """
    dump = open_dump(folder)
    digest = hashlib.sha256()
    for path in dump.files:
        digest.update(f"{path.name}\0{digest_file(path)}\n".encode())
    for path in _photo_files(folder):
        size, sample = _sample(path)
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape") + sample)
    return digest.hexdigest()[:16]


def _find(folder: Path, name: str) -> Path | None:
    candidates = (
        (folder / name, folder / f"{name}.gz") if name.endswith("json") else (folder / name,)
    )
    return next((path for path in candidates if path.is_file()), None)


def _sample(path: Path) -> tuple[int, bytes]:
    with path.open("rb", buffering=0) as file:
        handle = file.fileno()
        size = os.fstat(handle).st_size
        if size <= _SMALL_BYTES:
            return size, os.pread(handle, size, 0)
        places = (0, size // 2, size - _SAMPLED_BYTES)
        return size, b"".join(os.pread(handle, _SAMPLED_BYTES, place) for place in places)


def _photo_files(folder: Path) -> Iterator[Path]:
    """Yield the files where photos are looked for, in a fixed order."""
    tops = (path for path in folder.iterdir() if path.is_dir())
    for top in sorted(top for top in tops if _holds_photos(top.name)):
        for place, folders, files in os.walk(top):
            folders.sort()
            for name in sorted(files):
                yield Path(place, name)


def _holds_photos(name: str) -> bool:
    return name == "images" or name in _PARTITIONS or len(name) == 1
