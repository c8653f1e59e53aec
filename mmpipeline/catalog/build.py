"""The recipes of all sources become one catalogue.

The work is SQL in `sql/`, one statement a file, run in the order in which it stands here; Python
does what SQL cannot: ask the dish dictionary, and join pairs of copies into groups. The wide
columns (texts, photos) are read from the sources where they are needed and never copied into the
database, so memory holds a few short columns a recipe and DuckDB's working set, which spills.

The result depends on the recipes, the config and the catalogue before only: not on the order of
rows or sources, nor on the number of threads. With a catalogue before, only new and changed recipes
are read (`merging`).
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.catalog.compare import compare_catalogs
from mmpipeline.catalog.duplicates.grouping import fold_recipes, group_recipes, split_groups
from mmpipeline.catalog.labels.names import (
    join_languages,
    learn_vocabulary,
    load_mined_names,
    load_names,
    load_title_cores,
)
from mmpipeline.catalog.labels.vocabulary import Vocabulary, write_vocabulary
from mmpipeline.catalog.merging import (
    FACTS_SCHEMA,
    VOCABULARY_NAME,
    Merge,
    keep_segments,
    plan_merge,
    write_state,
)
from mmpipeline.catalog.quality import measure_quality
from mmpipeline.catalog.report import check_bounds, write_report
from mmpipeline.catalog.statements import read_statement, run_statement
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.schemas import CATALOG_SCHEMA, QUARANTINE_SCHEMA, RECIPE_SCHEMA, SPLITS
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.database import connect_database
from mmpipeline.storage.parquet import ParquetSink
from mmpipeline.storage.segments import OVERLAY_NAME, RETIRED_NAME, RETIRED_SCHEMA
from mmpipeline.text.dishes import DishDictionary

DISHES_SCHEMA = pa.schema([
    pa.field("dish", pa.string(), nullable=False),
    pa.field("name_ko", pa.string()),
    pa.field("name_en", pa.string()),
    pa.field("recipes", pa.int64(), nullable=False),
    pa.field("dish_set", pa.string(), nullable=False),
])
"""One row a dish that recipes are labelled with."""

TOMBSTONES_SCHEMA = pa.schema([
    pa.field(name, pa.string(), nullable=False)
    for name in ("recipe_id", "group_id", "split", "content_hash")
])
"""One row a recipe that an earlier catalogue held and the sources no longer do."""

OVERLAY_SCHEMA = pa.schema([
    CATALOG_SCHEMA.field(name)
    for name in ("recipe_id", *CATALOG_SCHEMA.names[len(RECIPE_SCHEMA.names) :])
])
"""One row a recipe whose segment no longer says what the catalogue decided about it."""

_BATCH_ROWS = 4096


def build_catalog(  # noqa: PLR0913 -- what to merge, how, and the machine's limits
    sources: Mapping[str, Path],
    target: Path,
    config: CatalogConfig,
    temporary: Path,
    memory_limit: str,
    threads: int,
    previous: Path | None = None,
) -> dict[str, float]:
    """Build the catalogue over the recipes of one or more sources.

    Parameters
    ----------
    sources
        Folders with `recipes.parquet` and `quarantine.parquet`, by name.
    target
        Folder that gets `recipes.parquet` (`CATALOG_SCHEMA`, sorted by recipe_id), or shares it
        with the catalogue before and gets what was merged (`storage.segments`);
        `dishes.parquet` (`DISHES_SCHEMA`), `tombstones.parquet` (`TOMBSTONES_SCHEMA`),
        `quarantine.parquet`, `quality.json`, and the page `quality.md` with its plots.
    config
        Seed, shares and bounds.
    temporary
        Folder that DuckDB may spill to.
    memory_limit
        DuckDB's memory limit, such as ``1GB``.
    threads
        DuckDB's threads; 0 means all cores.
    previous
        Folder of the catalogue before, whose recipes keep their sides; None when there is none.

    Returns
    -------
    dict of str to float
        Recipes in all, labelled, by split, excluded and deleted; dishes in all and by set; copies;
        quarantine rows.

    Raises
    ------
    StageError
        If there is no recipe at all, two sources hold the same recipe, or the result breaks a
        bound of the config.
    ArtifactError
        If a source's files are missing or damaged.
    """
    quality = write_catalog(sources, target, config, temporary, memory_limit, threads, previous)
    write_json_atomic(target / "quality.json", quality)
    check_bounds(quality, config)
    changes = compare_catalogs(previous, target) if previous is not None else None
    write_report(target, quality, changes)
    by_split = quality["recipes_by"]["split"]
    return {
        "recipes": float(quality["recipes"]),
        "labelled": float(quality["recipes"] - quality["recipes_by"]["dish_set"].get("none", 0)),
        "dishes": float(sum(quality["dishes_by_set"].values())),
        "dishes_unknown": float(quality["dishes_by_set"].get("unknown", 0)),
        "duplicates": float(quality["copies"]["recipes"]),
        "quarantined": float(sum(row["rows"] for row in quality["quarantine"])),
        **{split: float(by_split.get(split, 0)) for split in (*SPLITS, "excluded")},
        "deleted": float(pq.read_metadata(target / "tombstones.parquet").num_rows),
    }


def write_catalog(  # noqa: PLR0913 -- what to merge, how, and the machine's limits
    sources: Mapping[str, Path],
    target: Path,
    config: CatalogConfig,
    temporary: Path,
    memory_limit: str,
    threads: int,
    previous: Path | None = None,
) -> dict[str, Any]:
    """Write the tables of a catalogue, without judging or describing them.

    Parameters
    ----------
    sources, target, config, temporary, memory_limit, threads, previous
        As for `build_catalog`.

    Returns
    -------
    dict
        What `measure_quality` counted.

    Raises
    ------
    StageError
        If there is no recipe at all, or two sources hold the same recipe.
    ArtifactError
        If a source's files are missing or damaged.
    """
    with connect_database(temporary, memory_limit=memory_limit, threads=threads) as connection:
        try:
            with tempfile.TemporaryDirectory(dir=temporary) as folder:
                _check_sources(sources)
                merge = plan_merge(connection, sources, previous, config, Path(folder) / "fresh")
                run_statement(connection, "macros")
                fold_recipes(connection, Path(folder) / "folded")
                _check_recipes(connection, sources)
                _decide(connection, merge, target, config, previous)
                _write_tables(connection, merge, target, sources)
        except duckdb.OutOfMemoryException as error:
            raise StageError(
                f"the catalogue does not fit into {memory_limit} of memory; "
                "raise MMPIPELINE_DUCKDB_MEMORY"
            ) from error
        run_statement(connection, "measured")
        names = ("dishes.parquet", "quarantine.parquet")
        return measure_quality(connection, *(target / name for name in names))


def _check_sources(sources: Mapping[str, Path]) -> None:
    if not sources:
        raise StageError("no source of recipes was given; scrape or normalise some first")
    tables = {"recipes.parquet": RECIPE_SCHEMA, "quarantine.parquet": QUARANTINE_SCHEMA}
    for folder in sources.values():
        for name, schema in tables.items():
            _check_columns(folder / name, schema)


def _decide(
    connection: duckdb.DuckDBPyConnection,
    merge: Merge,
    target: Path,
    config: CatalogConfig,
    previous: Path | None,
) -> None:
    """Fill the tables `derived` and `facts`."""
    pairs = group_recipes(connection, config, merge.facts_folder(target), merge.facts)
    vocabulary = _label(connection, config, merge.vocabulary)
    write_vocabulary(target / VOCABULARY_NAME, vocabulary)
    split_groups(connection, config, pairs, previous)
    run_statement(connection, "derived")
    run_statement(connection, "facts")


def _check_recipes(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Path]) -> None:
    [(recipes, distinct)] = connection.execute(
        "SELECT count(*), count(DISTINCT recipe_id) FROM contents"
    ).fetchall()
    if recipes == 0:
        names = ", ".join(str(sources[name]) for name in sorted(sources))
        raise StageError(f"no recipes in {names}; check what was scraped or normalised")
    if distinct < recipes:
        raise StageError(
            f"{recipes - distinct} recipe ids occur twice in {', '.join(sorted(sources))}; "
            "give each source once"
        )


def _check_columns(file: Path, schema: pa.Schema) -> None:
    try:
        found = pq.read_schema(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{file} cannot be read: {error}; run its stage again") from error
    missing = [name for name in schema.names if name not in found.names]
    if missing:
        raise ArtifactError(f"{file} lacks the columns {missing}; run its stage again")


def _label(
    connection: duckdb.DuckDBPyConnection, config: CatalogConfig, known: Vocabulary | None
) -> Vocabulary:
    dictionary = DishDictionary.load()
    load_names(connection, dictionary)
    if known is None:
        vocabulary = learn_vocabulary(connection, dictionary, config.min_dish_recipes)
    else:
        vocabulary = known
        load_title_cores(connection, vocabulary.title_noise)
    load_mined_names(connection, dictionary, vocabulary.names)
    connection.execute(read_statement("kept_names"))
    run_statement(connection, "labels", min_dish_recipes=config.min_dish_recipes)
    run_statement(connection, "copied_labels")
    join_languages(connection)
    run_statement(
        connection, "dishes", seed=config.seed, unknown_dish_fraction=config.unknown_dish_fraction
    )
    return vocabulary


def _write_tables(
    connection: duckdb.DuckDBPyConnection,
    merge: Merge,
    target: Path,
    sources: Mapping[str, Path],
) -> None:
    keep_segments(connection, merge, target)
    facts = merge.facts_folder(target)
    [(fresh,)] = connection.execute("SELECT count(*) FROM facts").fetchall()
    if fresh:
        _write(connection, "catalog", merge.segment_file(target), CATALOG_SCHEMA)
        with ParquetSink(facts / "facts.parquet", FACTS_SCHEMA) as sink:
            for batch in connection.sql("FROM facts").to_arrow_reader(_BATCH_ROWS):
                sink.write_table(pa.Table.from_batches([batch]))
    else:
        shutil.rmtree(facts)
    if merge.base is not None:
        _write(connection, "overlay", target / OVERLAY_NAME, OVERLAY_SCHEMA)
        _write(connection, "retired", target / RETIRED_NAME, RETIRED_SCHEMA)
    write_state(target, merge)
    _write(connection, "written_dishes", target / "dishes.parquet", DISHES_SCHEMA)
    _write(connection, "tombstones", target / "tombstones.parquet", TOMBSTONES_SCHEMA)
    files = [str(sources[name] / "quarantine.parquet") for name in sorted(sources)]
    relation = connection.from_parquet(files)
    relation.project(", ".join(QUARANTINE_SCHEMA.names)).create_view("quarantine_rows")
    _write(connection, "quarantine", target / "quarantine.parquet", QUARANTINE_SCHEMA)


def _write(connection: duckdb.DuckDBPyConnection, name: str, path: Path, schema: pa.Schema) -> None:
    """Write the result of `sql/NAME.sql` to Parquet, a batch at a time."""
    with ParquetSink(path, schema) as sink:
        for batch in connection.sql(read_statement(name)).to_arrow_reader(_BATCH_ROWS):
            sink.write_table(pa.Table.from_batches([batch]))
