"""The recipes of all sources become one catalogue.

The work is SQL in `sql/`, one statement a file, run in the order in which it stands here; Python
does what SQL cannot: ask the dish dictionary, and join pairs of copies into groups. The wide
columns (texts, photos) are read from the sources where they are needed and never copied into the
database, so memory holds a few short columns a recipe and DuckDB's working set, which spills.

The result depends on the recipes and the config only: not on the order of rows or sources, nor on
the number of threads.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.catalog.compare import compare_catalogs
from mmpipeline.catalog.grouping import group_recipes, split_groups
from mmpipeline.catalog.names import learn_vocabulary, load_mined_names, load_names
from mmpipeline.catalog.quality import measure_quality
from mmpipeline.catalog.report import check_bounds, write_report
from mmpipeline.catalog.statements import read_statement, run_statement
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.schemas import CATALOG_SCHEMA, QUARANTINE_SCHEMA, RECIPE_SCHEMA, SPLITS
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.database import connect_database
from mmpipeline.storage.parquet import ParquetSink
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
        Folder that gets `recipes.parquet` (`CATALOG_SCHEMA`, sorted by recipe_id),
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
    with connect_database(temporary, memory_limit=memory_limit, threads=threads) as connection:
        try:
            _load_sources(connection, sources)
            run_statement(connection, "macros")
            with tempfile.TemporaryDirectory(dir=temporary) as folder:
                pairs = group_recipes(connection, config, Path(folder))
                _label(connection, config)
            split_groups(connection, config, pairs, previous)
            _write(connection, "catalog", target / "recipes.parquet", CATALOG_SCHEMA)
            _write(connection, "written_dishes", target / "dishes.parquet", DISHES_SCHEMA)
            _write(connection, "tombstones", target / "tombstones.parquet", TOMBSTONES_SCHEMA)
            _write(connection, "quarantine", target / "quarantine.parquet", QUARANTINE_SCHEMA)
        except duckdb.OutOfMemoryException as error:
            raise StageError(
                f"the catalogue does not fit into {memory_limit} of memory; "
                "raise MMPIPELINE_DUCKDB_MEMORY"
            ) from error
        names = ("recipes.parquet", "dishes.parquet", "quarantine.parquet")
        quality = measure_quality(connection, *(target / name for name in names))
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


def _load_sources(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Path]) -> None:
    if not sources:
        raise StageError("no source of recipes was given; scrape or normalise some first")
    folders = [sources[name] for name in sorted(sources)]
    tables = {
        "recipes": ("recipes.parquet", RECIPE_SCHEMA),
        "quarantine_rows": ("quarantine.parquet", QUARANTINE_SCHEMA),
    }
    for view, (name, schema) in tables.items():
        files = [folder / name for folder in folders]
        for file in files:
            _check_columns(file, schema)
        relation = connection.from_parquet([str(file) for file in files])
        relation.project(", ".join(schema.names)).create_view(view)
    [(recipes, distinct)] = connection.execute(
        "SELECT count(*), count(DISTINCT recipe_id) FROM recipes"
    ).fetchall()
    if recipes == 0:
        names = ", ".join(str(folder) for folder in folders)
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


def _label(connection: duckdb.DuckDBPyConnection, config: CatalogConfig) -> None:
    dictionary = DishDictionary.load()
    load_names(connection, dictionary)
    vocabulary = learn_vocabulary(connection, dictionary, config.min_dish_recipes)
    load_mined_names(connection, dictionary, vocabulary.names)
    run_statement(connection, "labels", min_dish_recipes=config.min_dish_recipes)
    run_statement(connection, "copied_labels")
    run_statement(
        connection, "dishes", seed=config.seed, unknown_dish_share=config.unknown_dish_share
    )


def _write(connection: duckdb.DuckDBPyConnection, name: str, path: Path, schema: pa.Schema) -> None:
    """Write the result of `sql/NAME.sql` to Parquet, a batch at a time."""
    with ParquetSink(path, schema) as sink:
        for batch in connection.sql(read_statement(name)).to_arrow_reader(_BATCH_ROWS):
            sink.write_table(pa.Table.from_batches([batch]))
