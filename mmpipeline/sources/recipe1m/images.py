"""Photo lists by recipe id, looked up without holding layer2 in memory.

Kept are 24 bytes a record: a hash of the id and the record's place in the file; the record itself
is read when it is asked for. Recipes come in the same order in both files, so the reads follow
one another. A gzip file is unpacked to a temporary one first, for it has no places to go to.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from mmpipeline.sources.recipe1m.ids import hash_id
from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record
from mmpipeline.sources.recipe1m.json.reader import read_array
from mmpipeline.sources.recipe1m.json.records import RawImage, RawImages
from mmpipeline.sources.recipe1m.json.unpack import unpack


class ImageLists:
    """The records of one layer2 file.

    Parameters
    ----------
    path
        layer2.json or layer2+.json, plain or gzip.
    temporary
        Folder for an unpacked copy of a gzip file.
    max_record_bytes
        Longer records are skipped.

    Attributes
    ----------
    bad_spans
        What in the file could not be read, as (place, reason, detail).

    Raises
    ------
    InputError
        If the file is no JSON array, or ends early.
    """

    def __init__(self, path: Path, temporary: Path, max_record_bytes: int) -> None:
        self.bad_spans: list[tuple[str, str, str]] = []
        self._plain = unpack(path, temporary)
        self._name = path.name
        table = np.fromiter(
            self._scan(max_record_bytes),
            dtype=[("hash", np.uint64), ("offset", np.int64), ("length", np.int64)],
        )
        self._table = table[np.argsort(table["hash"], kind="stable")]
        self._file = self._plain.open("rb")
        self._decoder = msgspec.json.Decoder(RawImages)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._table)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def find(self, recipe_id: str) -> list[RawImage]:
        """Return the photos of a recipe; of records with the same id the first counts."""
        key = np.uint64(hash_id(recipe_id))
        hashes = self._table["hash"]
        row = int(np.searchsorted(hashes, key))
        while row < len(hashes) and hashes[row] == key:
            self._file.seek(int(self._table["offset"][row]))
            record = self._decoder.decode(self._file.read(int(self._table["length"][row])))
            if record.id == recipe_id:
                return record.images
            row += 1
        return []

    def _scan(self, max_record_bytes: int) -> Iterator[tuple[int, int, int]]:
        items = read_array(
            self._plain, RawImages, max_record_bytes=max_record_bytes, allow_empty=True
        )
        for item in items:
            if isinstance(item, Record) and item.value is not None:
                yield hash_id(item.value.id), item.offset, item.length
            else:
                reason = item.reason if isinstance(item, BadSpan) else "wrong_type"
                detail = item.detail if isinstance(item, BadSpan) else str(item.loose)
                self.bad_spans.append((f"{self._name}@{item.offset}", reason, detail))
