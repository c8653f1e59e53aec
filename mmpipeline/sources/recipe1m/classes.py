"""Recipe1M's classes, as JSON or Parquet; and a converter for the pickle they come in.

Unpickling runs whatever the file says. The pickle is therefore read by an unpickler that finds no
class and no function at all, which leaves dictionaries, integers and strings; the pipeline itself
reads only what the converter wrote.
"""

import pickle
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.errors import InputError
from mmpipeline.sources.recipe1m.ids import hash_id, hash_ids

CLASSES_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("class_name", pa.string(), nullable=False),
])
"""`classes1M.parquet`: Recipe1M's own recipe id and the name of its class."""

_NO_CLASS = "background"
_MAX_PICKLE_BYTES = 1 << 30


class _ClassesFile(msgspec.Struct):
    """`classes1M.json`: class numbers by recipe id, and names by class number."""

    classes: dict[str, int]
    names: dict[int, str]


class RecipeClasses:
    """Looks up the class of a recipe; 12 bytes a recipe.

    Parameters
    ----------
    path
        `classes1M.json` or `classes1M.parquet`; None holds nothing.

    Raises
    ------
    InputError
        If the file cannot be read, or has another form.
    """

    def __init__(self, path: Path | None) -> None:
        table = CLASSES_SCHEMA.empty_table() if path is None else _read(path)
        names = table["class_name"].combine_chunks().dictionary_encode()
        self._names: list[str] = names.dictionary.to_pylist()
        codes = names.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        hashes = hash_ids(table["recipe_id"].to_pylist())
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._codes = hashes[order], codes[order]

    def __len__(self) -> int:
        """Return the number of recipes with a class."""
        return len(self._hashes)

    def find(self, recipe_id: str) -> str | None:
        """Return the class name of a recipe; None when it has none, or the background class."""
        key = np.uint64(hash_id(recipe_id))
        row = int(np.searchsorted(self._hashes, key))
        if row == len(self._hashes) or self._hashes[row] != key:
            return None
        name = self._names[self._codes[row]]
        return None if name == _NO_CLASS else name


def convert_classes(pickled: Path, target: Path) -> int:
    """Convert `classes1M.pkl` to Parquet without running anything in it.

    Parameters
    ----------
    pickled
        Two pickles one after the other: class numbers by recipe id, names by class number.
    target
        Parquet file to write (`CLASSES_SCHEMA`).

    Returns
    -------
    int
        Recipes written.

    Raises
    ------
    InputError
        If the file holds anything but dictionaries of integers and strings.
    """
    try:
        if pickled.stat().st_size > _MAX_PICKLE_BYTES:
            raise InputError(f"{pickled}: over {_MAX_PICKLE_BYTES} bytes; this is no classes1M.pkl")
        with pickled.open("rb") as file:
            classes, names = _load(file, pickled), _load(file, pickled)
    except OSError as error:
        raise InputError(f"{pickled}: {error.strerror}; give Recipe1M's classes1M.pkl") from error
    if not _holds(classes, str, int) or not _holds(names, int, str):
        raise InputError(
            f"{pickled}: expected a dict of id to class number and one of number to name; "
            "give Recipe1M's classes1M.pkl"
        )
    table = _make_table(classes, names, pickled)
    pq.write_table(table, target, compression="zstd", write_page_checksum=True)
    return int(table.num_rows)


class _PlainUnpickler(pickle.Unpickler):
    """Builds dictionaries, integers and strings; whatever else it is asked for is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError("it asks for a stored object")


def _load(file: BinaryIO, path: Path) -> Any:  # noqa: ANN401 -- checked by the caller
    try:
        return _PlainUnpickler(file).load()
    except (
        pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, TypeError,
        AttributeError, OverflowError, MemoryError, RecursionError,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path}: not read, for it holds more than dicts of integers and strings ({error})"
        ) from error


def _holds(value: object, key: type, content: type) -> bool:
    return isinstance(value, dict) and all(
        type(name) is key and type(entry) is content for name, entry in value.items()
    )


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path, columns=CLASSES_SCHEMA.names).cast(CLASSES_SCHEMA)
        found = msgspec.json.decode(path.read_bytes(), type=_ClassesFile)
    except (OSError, ValueError, pa.ArrowInvalid, msgspec.DecodeError) as error:
        raise InputError(
            f"{path}: no table of classes ({error}); expected columns recipe_id and class_name, or "
            'JSON such as {"classes": {"0a1b2c3d4e": 5}, "names": {"5": "kimchi stew"}}'
        ) from error
    return _make_table(found.classes, found.names, path)


def _make_table(classes: dict[str, int], names: dict[int, str], path: Path) -> pa.Table:
    unknown = sorted(set(classes.values()) - set(names))
    if unknown:
        raise InputError(f"{path}: class {unknown[0]} has no name; get the file anew")
    columns = [list(classes), [names[number] for number in classes.values()]]
    return pa.table(columns, schema=CLASSES_SCHEMA)
