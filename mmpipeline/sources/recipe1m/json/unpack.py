"""Gzip files of a dump, unpacked to a temporary one, for only a plain file has places to go to."""

import gzip
import zlib
from pathlib import Path

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.json.decoding import Record
from mmpipeline.sources.recipe1m.json.reader import read_array

_CHUNK_BYTES = 1 << 18


def unpack(path: Path, temporary: Path) -> Path:
    """Unpack a file if it is a gzip file (told by its first bytes, not by its name).

    Parameters
    ----------
    path
        The file.
    temporary
        Folder for the unpacked copy.

    Returns
    -------
    Path
        The copy, or the file itself.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    TruncatedInputError
        If the gzip stream ends early.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return path
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(f"{path}: {reason}; expected a JSON array") from error
    plain = temporary / f"{path.name}.unpacked"
    try:
        with gzip.open(path, "rb") as source, plain.open("wb") as target:
            while chunk := source.read1(_CHUNK_BYTES):  # read() would lose what a cut chunk holds
                target.write(chunk)
    except EOFError as error:
        size, records = _count_records(plain)
        raise TruncatedInputError(
            f"{path}: the gzip stream ends early, at byte {size} of the unpacked text after record "
            f"{records}; get the file anew"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error}); get the file anew") from error
    return plain


def _count_records(plain: Path) -> tuple[int, int]:
    """Return the bytes and whole records of what could be unpacked."""
    records = 0
    try:
        for item in read_array(plain, dict, allow_empty=True):
            records += isinstance(item, Record)
    except InputError:
        pass  # that it ends early is known
    return plain.stat().st_size, records
