"""The part of a plain or gzip file that is in memory while it is read through."""

import gzip
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path) -> BinaryIO | gzip.GzipFile:
    """Open a file, a gzip file (told by its first bytes) as what it holds."""
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_gzip else path.open("rb")


class Window:
    """The part of the file in memory; `base` is the offset of its first byte in the file."""

    def __init__(self, file: BinaryIO | gzip.GzipFile, block_bytes: int) -> None:
        self._file = file
        self._block_bytes = block_bytes
        self.base = 0
        self.content = b""
        self.is_at_end = False

    def seek(self, offset: int) -> None:
        """Go to a byte of the file before anything was read."""
        self._file.seek(offset)
        self.base = offset
        self.advance(0)

    def advance(self, start: int) -> None:
        """Drop what lies before `start` and read on, more the more is kept: linear in total."""
        kept = self.content[start:]
        block = self._file.read(max(self._block_bytes, len(kept)))
        self.base += start
        self.content = kept + block
        self.is_at_end = not block
