"""Content keys of photo files: a file that has not changed since it was hashed is not read again.

A refresh over a million photos would otherwise read all of them to find that nothing is new. Kept
is, for path, device, inode, size and both times of a file, the sha256 of its content. The time of
the last change of an inode cannot be set, so a file of the same size whose date was put back is
read all the same. A file that changed within the last moments is hashed and not kept, since a
second change might get the same time. What a mistake could cost is bounded: forget the file of
this cache, and all photos are read once.
"""

import stat
import time
from collections.abc import Sequence
from pathlib import Path

from mmpipeline.features.cache import EncodingCache, content_key
from mmpipeline.features.photo import RejectedPhotoError, read_photo

CACHE_NAME = "photo-keys"
SETTLED_S = 2.0  # the coarsest clock of a file system in use, FAT's
_KEY_BYTES = 32


class PhotoKeys:
    """Finds the content keys of photos.

    Parameters
    ----------
    cache
        Where keys are kept, under `CACHE_NAME`.
    settled_s
        Seconds that a file must not have changed for its key to be kept.
    """

    def __init__(self, cache: EncodingCache, settled_s: float = SETTLED_S) -> None:
        self._cache = cache
        self._settled_s = settled_s

    def find(self, paths: Sequence[Path]) -> list[bytes | RejectedPhotoError]:
        """Find the keys of files.

        Parameters
        ----------
        paths
            Where they lie.

        Returns
        -------
        list
            For each, the sha256 of its content, or why it cannot be read.
        """
        marks = [_mark(path) for path in paths]
        known = self._cache.get(mark for mark in marks if mark is not None)
        fresh: dict[bytes, bytes] = {}
        keys: list[bytes | RejectedPhotoError] = []
        for path, mark in zip(paths, marks, strict=True):
            key = known.get(mark, b"") if mark is not None else b""
            keys.append(key if len(key) == _KEY_BYTES else self._hash(path, mark, fresh))
        self._cache.put(fresh)
        return keys

    def _hash(
        self, path: Path, mark: bytes | None, fresh: dict[bytes, bytes]
    ) -> bytes | RejectedPhotoError:
        """Read and hash a file; note its key as fresh if the file holds still."""
        try:
            key = content_key(read_photo(path))
        except RejectedPhotoError as error:
            return error
        if mark is not None and mark == _mark(path, time.time() - self._settled_s):
            fresh[mark] = key
        return key


def _mark(path: Path, changed_before: float = float("inf")) -> bytes | None:
    """Return what changes whenever a file does; None for no file, or a change too late."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_ctime > changed_before:
        return None
    what = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return content_key(f"{path}\0{what}".encode("utf-8", "surrogateescape"))
