"""Places that MLflow keeps as whole paths, and whether they follow the data folder.

MLflow's database names the folder of every experiment, run and logged model, and the pointer of a
registered index version names the data folder. In a copy they lead back to the original: what is
trained there would be written into it, and the champion would answer from it. MLflow takes no place
relative to its database, so they are looked over whenever a folder is opened, and set right in one
transaction. It costs a look at a few small tables.

Another folder may use this one's server, and what it sent names it rightly. So what was sent
follows only from where MLflow's own places show that this folder was, or where what is named lies
here and no more there.

The library knows no MLflow, so its tables are read as they lie.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mmpipeline.errors import InputError
from mmpipeline.operations.finding import Finding
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.locations import TRACKED_FILES, follow, is_same, path_of

STORE_NAME = "mlflow.db"
POINTERS = (
    "mlflow-artifacts/models/*/artifacts/artifacts/pointer.json",
    "mlartifacts/*/models/*/artifacts/artifacts/pointer.json",
)
"""Below the state folder: of the embedded store, and of a server's (`make ui`)."""
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
"""Where MLflow's database may name a place of its own; earlier versions lack some of the tables."""
SENT_COLUMNS = (("datasets", "dataset_source"),)
"""Where it names a place of whoever sent it: another folder may use the same server."""
DEFAULT_EXPERIMENT = ("experiments", 0)
ALIASES = """
    SELECT alias, storage_location FROM registered_model_aliases
    JOIN model_versions USING (name, version) WHERE storage_location IS NOT NULL ORDER BY alias
"""
PATIENCE_S = 30.0
SHORTEST = ".venv/bin/python -m flows follow_release"
COPY_BY = "copy the data folder with `cp -a`, which copies the files themselves, and use that copy"


@dataclass(frozen=True, slots=True)
class ForeignLocation:
    """A place outside of the data folder, where one inside of it is meant.

    Attributes
    ----------
    table
        Of MLflow's database; empty for a pointer.
    column
        Of the table; of a pointer, its entry.
    row
        The table's row id, or the pointer's path.
    location
        As it is stored.
    right
        What is to be stored instead.
    root
        The data folder that it names; None for the folder that MLflow gives its experiment
        ``Default`` by itself: ``mlruns``, wherever the first run was started.
    """

    table: str
    column: str
    row: int | Path
    location: str
    right: str
    root: Path | None


def foreign_locations(layout: DataLayout, *, quick: bool = False) -> list[ForeignLocation]:
    """Return every place that does not follow the data folder.

    Parameters
    ----------
    layout
        The data folder; it need not have a database.
    quick
        Look at the experiments alone: at the places that new runs get.

    Returns
    -------
    list of ForeignLocation
        Of MLflow's database and of the pointers of registered versions; empty when all is well.

    Raises
    ------
    sqlite3.Error
        If the database cannot be read.
    """
    if not _store(layout).is_file():
        return [] if quick else list(_foreign_pointers(layout, set()))
    with closing(_open_to_read(layout)) as db:
        if quick:
            return list(_foreign_rows(db, layout, COLUMNS[:1]))
        rows, former = _all_foreign_rows(db, layout)
        return [*rows, *_foreign_pointers(layout, former)]


def set_right(layout: DataLayout) -> list[ForeignLocation]:
    """Let every place follow the data folder; to be called as the only run.

    The database changes in one transaction, pointers before it: killed in the middle, the next call
    finds what is left.

    Parameters
    ----------
    layout
        The data folder.

    Returns
    -------
    list of ForeignLocation
        What was set right.

    Raises
    ------
    InputError
        If the database is one file with another folder's, by a hard link.
    sqlite3.Error, OSError
        If the database or a pointer cannot be written; the database is then as it was.
    """
    if not _store(layout).is_file():
        return _point_here(_foreign_pointers(layout, set()))
    with closing(sqlite3.connect(_store(layout), timeout=PATIENCE_S, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        rows, former = _all_foreign_rows(db, layout)
        if rows and _has_second_name(layout):
            raise InputError(f"{_store(layout)} is a hard link to another folder's; {COPY_BY}")
        pointers = _point_here(_foreign_pointers(layout, former))
        for one in rows:
            change = f'UPDATE "{one.table}" SET "{one.column}" = ? WHERE rowid = ?'
            db.execute(change, (one.right, one.row))
        db.execute("COMMIT")
    return [*rows, *pointers]


def check_locations(layout: DataLayout) -> Iterator[Finding]:
    """Look for places that lead out of the data folder, and for what they lead to.

    Parameters
    ----------
    layout
        The data folder.

    Yields
    ------
    Finding
        Nothing where there is no MLflow database and no pointer.
    """
    store = _store(layout)
    if store.is_file() and _has_second_name(layout):
        found = f"state/{STORE_NAME} is a hard link to another folder's"
        yield Finding("shared database", "problem", found, COPY_BY)
    try:
        foreign = [one for one in foreign_locations(layout) if one.root is not None]
        missing = [] if foreign or not store.is_file() else _aliases_without_files(layout)
    except sqlite3.Error as error:
        yield Finding("locations", "problem", f"cannot be read: {error}", "see to the database")
        return
    if foreign:
        roots = ", ".join(sorted({str(one.root) for one in foreign}))
        found = f"{len(foreign)} places in MLflow and its registry lead to {roots}"
        advice = (
            "this folder was moved or copied from there: the next run here sets them right, and so "
            f"does {SHORTEST}"
        )
        yield Finding("locations", "problem", found, advice)
    for alias in missing:
        found = f"the files of the registered {alias} are not there"
        yield Finding("locations", "problem", found, f"{SHORTEST} registers it anew")
    if store.is_file() and not foreign and not missing:
        yield Finding("locations", "ok", "all within the data folder")


def _store(layout: DataLayout) -> Path:
    return layout.state / STORE_NAME


def _open_to_read(layout: DataLayout) -> sqlite3.Connection:
    address = f"{_store(layout).as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE_S)


def _has_second_name(layout: DataLayout) -> bool:
    """Tell whether the store is a file of another folder too; a draft of it is none."""
    store = _store(layout)
    drafts = sum(is_same(path, store) for path in layout.temporary.glob(f"*/{STORE_NAME}"))
    return store.stat().st_nlink - drafts > 1


def _all_foreign_rows(
    db: sqlite3.Connection, layout: DataLayout
) -> tuple[list[ForeignLocation], set[Path]]:
    """Return the rows to change, and where MLflow's own places show that the folder was before."""
    rows = list(_foreign_rows(db, layout, COLUMNS))
    former = {one.root for one in rows if one.root is not None}
    for one in _foreign_rows(db, layout, SENT_COLUMNS):
        right = json.loads(one.right)["uri"] if one.right.startswith("{") else one.right
        if one.root is not None and _is_of(layout, one.root, former, Path(str(path_of(right)))):
            rows.append(one)
    return rows, former


def _is_of(layout: DataLayout, root: Path, former: set[Path], here: Path) -> bool:
    """Tell whether what names a root means this folder, where it is called `here`."""
    if any(is_same(root, one) for one in former):
        return True
    return here.exists() and not (root / here.relative_to(layout.root)).exists()


def _foreign_rows(
    db: sqlite3.Connection, layout: DataLayout, columns: Sequence[tuple[str, str]]
) -> Iterator[ForeignLocation]:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    files = layout.root.joinpath(*TRACKED_FILES).as_uri() + "/"
    data = json.dumps({"uri": f"{layout.root}/"}).removesuffix('"}')
    right_ones = (len(files), files, len(data), data)  # most rows: SQL tells them fast
    for table, column in columns:
        if table not in tables:
            continue
        rows = db.execute(
            f'SELECT rowid, "{column}" FROM "{table}" WHERE NOT '
            f'(substr("{column}", 1, ?) = ? OR substr("{column}", 1, ?) = ?)',
            right_ones,
        )
        for row, stored in rows.fetchall():
            right, root = _follow_row(layout, stored, is_default=(table, row) == DEFAULT_EXPERIMENT)
            if right != stored:
                yield ForeignLocation(table, column, row, stored, right, root)


def _follow_row(layout: DataLayout, stored: str, *, is_default: bool) -> tuple[str, Path | None]:
    path = path_of(stored)
    if is_default and path is not None and path.parts[-2:] == ("mlruns", "0"):
        return layout.root.joinpath(*TRACKED_FILES).as_uri(), None
    return follow(layout, stored)


def _foreign_pointers(layout: DataLayout, former: set[Path]) -> Iterator[ForeignLocation]:
    for pattern in POINTERS:
        for pointer in sorted(layout.state.glob(pattern)):
            try:
                content = json.loads(pointer.read_bytes())
                stored, version = str(content["data_root"]), str(content["version"])
            except (ValueError, KeyError, TypeError):
                continue  # not one of ours
            here = layout.artifacts("index") / version
            if is_same(Path(stored), layout.root):
                continue
            if _is_of(layout, Path(stored), former, here):
                right = str(layout.root)
                yield ForeignLocation("", "data_root", pointer, stored, right, Path(stored))


def _point_here(pointers: Iterator[ForeignLocation]) -> list[ForeignLocation]:
    found = list(pointers)
    for one in found:
        path = Path(str(one.row))
        write_json_atomic(path, json.loads(path.read_bytes()) | {one.column: one.right})
    return found


def _aliases_without_files(layout: DataLayout) -> list[str]:
    """Return the aliases whose model's folder is gone; it may have been written elsewhere."""
    with closing(_open_to_read(layout)) as db:
        found = db.execute(ALIASES).fetchall()
    places = [(alias, path_of(location)) for alias, location in found]
    return [alias for alias, at in places if at is not None and not Path(at, "MLmodel").is_file()]
