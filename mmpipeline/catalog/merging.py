"""The merge of new recipes into the previous catalogue, whose files are shared.

A catalogue keeps what was worked out of each recipe (`FACTS_SCHEMA`: hashes, names, lengths) and
of its text (the near-copy index), a folder a segment. A later catalogue reads only recipes that
are new or changed, takes the facts of the others, and decides groups, labels and sides over all
facts, which are short. So the result is that of building anew, but for the vocabulary, which
stays as it was learnt, and the expensive part follows the change. Where too much has changed
(`CatalogConfig.compact_fraction`), or the code has, all is built anew into one segment.
"""

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from mmpipeline.catalog.labels.vocabulary import Vocabulary, read_vocabulary
from mmpipeline.catalog.statements import run_statement
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.provenance.code import digest_code
from mmpipeline.schemas import RECIPE_SCHEMA
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.manifest import digest_file, open_artifact
from mmpipeline.storage.segments import SEGMENTS_FOLDER, list_segments

FACTS_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("door", pa.string(), nullable=False),  # the source artifact it came from
    pa.field("row_hash", pa.uint64(), nullable=False),  # of the whole row as it came
    pa.field("source", pa.string(), nullable=False),
    pa.field("source_partition", pa.string()),
    pa.field("language", pa.string(), nullable=False),
    pa.field("content_hash", pa.string(), nullable=False),
    pa.field("has_body", pa.bool_(), nullable=False),
    pa.field("photos", pa.list_(pa.string()), nullable=False),  # sha256 of each
    pa.field("has_photo", pa.bool_(), nullable=False),
    pa.field("title_length", pa.int64()),  # letters; null without a title
    pa.field("ingredient_lines", pa.int64(), nullable=False),
    pa.field("instruction_lines", pa.int64(), nullable=False),
    pa.field("instruction_length", pa.int64(), nullable=False),  # letters
    pa.field("page_dish", pa.string()),
    pa.field("page_confidence", pa.float64()),
    pa.field("name_key", pa.string()),
    pa.field("name", pa.string()),
    pa.field("title_dish", pa.string()),
    pa.field("title_confidence", pa.float64()),
    pa.field("title_end", pa.int32()),
    pa.field("mined_dish", pa.string()),
    pa.field("mined_confidence", pa.float64()),
    pa.field("mined_name", pa.string()),
])
"""What later catalogues need to know of a recipe besides its row."""

log = logging.getLogger("mmpipeline.run")

MERGE_FOLDER, STATE_NAME, VOCABULARY_NAME = "merge", "state.json", "vocabulary.json"
MADE_BY = ("mmpipeline.catalog.build:build_catalog", "mmpipeline.config.catalog:CatalogConfig")
"""What a catalogue is made by; one that was made by other code is not merged into."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What a new catalogue takes from the one before.

    Attributes
    ----------
    base
        Folder of the catalogue before; None when all is built anew.
    vocabulary
        What it learnt; None when it is to be learnt.
    facts
        The folders of facts to take, by number of segment.
    state
        What the new catalogue notes for the next one.
    """

    base: Path | None = None
    vocabulary: Vocabulary | None = None
    facts: tuple[Path, ...] = ()
    state: Mapping[str, object] = field(default_factory=dict)

    @property
    def segment(self) -> int:
        """Number of the segment that fresh recipes are written to."""
        return len(self.facts)

    def segment_file(self, target: Path) -> Path:
        """Return the file of fresh recipes in the folder of the new catalogue."""
        if self.base is None:
            return target / "recipes.parquet"
        return target / SEGMENTS_FOLDER / f"{self.segment:04}.parquet"

    def facts_folder(self, target: Path) -> Path:
        """Return the folder of their facts."""
        return target / MERGE_FOLDER / f"{self.segment:04}"


def plan_merge(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, Path],
    previous: Path | None,
    config: CatalogConfig,
    fresh: Path,
) -> Merge:
    """Fill the view `recipes` with what must be read and the table `kept` with known facts.

    Parameters
    ----------
    connection
        Without any of both.
    sources
        Folders with `recipes.parquet`, by name.
    previous
        Folder of the catalogue before; None when there is none.
    config
        The bound from which all is built anew.
    fresh
        File to be written with new and changed recipes.

    Returns
    -------
    Merge
        What is taken from the catalogue before.

    Raises
    ------
    ArtifactError
        If its files are damaged.
    """
    digests = {name: _digest(folder) for name, folder in sources.items()}
    made_by = {"code": digest_code(*MADE_BY), "min_dish_recipes": config.min_dish_recipes}
    state = {"made_by": made_by, "sources": digests}
    connection.register("no_facts", FACTS_SCHEMA.empty_table())
    connection.execute("CREATE TABLE kept AS SELECT *, 0::INTEGER AS segment FROM no_facts")
    known = _read_state(previous) if previous is not None else {}
    if previous is None or known.get("made_by") != made_by:
        if previous is not None:
            log.info(
                "Catalogue %s was made in another way: all is built anew, sides stay.",
                previous.name,
            )
        _view(connection, "recipes", sources)
        return Merge(state=state)
    same = {name for name, digest in digests.items() if known["sources"].get(name) == digest}
    changed = {name: folder for name, folder in sources.items() if name not in same}
    folders = tuple(sorted((previous / MERGE_FOLDER).glob("*/")))
    try:
        _load_known(connection, folders, previous)
    except duckdb.Error as error:
        raise ArtifactError(f"{previous} cannot be merged into: {error}") from error
    connection.execute(
        "CREATE TABLE same_doors AS SELECT unnest($doors) AS door", {"doors": [*same]}
    )
    _view(connection, "incoming_rows", changed)
    run_statement(connection, "incoming")
    run_statement(connection, "kept")
    [(churn, total)] = run_statement(connection, "churn").fetchall()
    if churn > config.compact_fraction * total:
        connection.execute("DELETE FROM kept")
        _view(connection, "recipes", sources)
        return Merge(state=state)
    place = str(fresh).replace("'", "''")
    connection.execute(
        "COPY (SELECT * FROM incoming_rows WHERE recipe_id NOT IN (SELECT recipe_id FROM kept)) "
        f"TO '{place}' (FORMAT parquet)"
    )
    connection.from_parquet(str(fresh)).create_view("recipes")
    vocabulary = read_vocabulary(previous / VOCABULARY_NAME)
    return Merge(previous, vocabulary, folders, state)


def keep_segments(connection: duckdb.DuckDBPyConnection, merge: Merge, target: Path) -> None:
    """Share the files of the catalogue before, and fill `overlay` and `retired`.

    Parameters
    ----------
    connection
        Holds `kept` and `derived`.
    merge
        What `plan_merge` returned.
    target
        Folder of the new catalogue.
    """
    if merge.base is None:
        return
    for path in list_segments(merge.base):
        share_file(path, target / path.relative_to(merge.base))
    for folder in merge.facts:
        for path in folder.iterdir():
            share_file(path, target / path.relative_to(merge.base))
    parts = [
        f"SELECT {number}::INTEGER AS segment, * FROM read_parquet('{_quoted(path)}')"
        for number, path in enumerate(list_segments(merge.base))
    ]
    connection.execute(f"CREATE VIEW held AS {' UNION ALL '.join(parts)}")


def write_state(target: Path, merge: Merge) -> None:
    """Note what the next catalogue needs to merge into this one."""
    write_json_atomic(target / MERGE_FOLDER / STATE_NAME, merge.state)


def share_file(path: Path, target: Path) -> None:
    """Make a file appear under a second name: by a hard link, or a copy where none can be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _digest(folder: Path) -> str:
    """Return the sha256 of a source's recipes, from its manifest where it has one."""
    try:
        return str(open_artifact(folder).manifest.files["recipes.parquet"]["sha256"])
    except (ArtifactError, KeyError):
        return digest_file(folder / "recipes.parquet")


def _read_state(previous: Path) -> dict[str, dict[str, object]]:
    path = previous / MERGE_FOLDER / STATE_NAME
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_bytes())
        return {name: dict(content[name]) for name in ("made_by", "sources")}
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}; delete {previous}") from error


def hash_sql(schema: pa.Schema) -> str:
    """Return an SQL expression that hashes whole rows, to 64 bits.

    A list goes in as its JSON: DuckDB hashes the elements of neighbouring lists as one row of
    values, and a missing list like an empty one.

    Parameters
    ----------
    schema
        Of the rows.

    Returns
    -------
    str
        Over columns of these names.
    """
    parts = [
        f"to_json({field.name})::VARCHAR" if pa.types.is_nested(field.type) else field.name
        for field in schema
    ]
    return f"hash({', '.join(parts)})"


def _view(connection: duckdb.DuckDBPyConnection, name: str, sources: Mapping[str, Path]) -> None:
    columns = ", ".join(RECIPE_SCHEMA.names)
    parts = [
        f"SELECT {columns}, '{door}' AS door, {hash_sql(RECIPE_SCHEMA)} AS row_hash "
        f"FROM read_parquet('{_quoted(sources[door] / 'recipes.parquet')}')"
        for door in sorted(sources)
    ]
    nothing = f"SELECT {columns}, '' AS door, 0::UBIGINT AS row_hash FROM no_recipes"
    connection.register("no_recipes", RECIPE_SCHEMA.empty_table())
    connection.execute(f"CREATE VIEW {name} AS {' UNION ALL '.join(parts or [nothing])}")


def _load_known(
    connection: duckdb.DuckDBPyConnection, folders: tuple[Path, ...], previous: Path
) -> None:
    """Fill the table `known`: the facts of all recipes that the catalogue before holds."""
    retired = previous / "retired.parquet"
    gone = (
        f"SELECT segment, recipe_id FROM read_parquet('{_quoted(retired)}')"
        if retired.exists()
        else "SELECT 0 AS segment, '' AS recipe_id WHERE false"
    )
    parts = [
        f"SELECT *, {number}::INTEGER AS segment "
        f"FROM read_parquet('{_quoted(folder / 'facts.parquet')}')"
        for number, folder in enumerate(folders)
    ]
    connection.execute(
        f"CREATE TABLE known AS SELECT * FROM ({' UNION ALL '.join(parts)}) "
        f"ANTI JOIN ({gone}) USING (segment, recipe_id)"
    )
    base = _quoted(previous / "recipes.parquet")
    connection.execute(f"CREATE VIEW base_rows AS SELECT recipe_id FROM read_parquet('{base}')")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
