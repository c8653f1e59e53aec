"""The build of a catalogue's pair table.

Each split's recipes stand on a hash ring: their order is the md5 of seed and id. Positives are the
next recipes on the ring of the anchor's dish, negatives the next ones outside its class on the
ring of the split, hard negatives the next ones on the rings of look-alike dishes. So a pair
changes only if a recipe on it goes, or one that lies nearer on the ring comes; the order of rows,
the number of threads and the machine change nothing. Work is linear in the recipes.

The price of the ring: two anchors that are neighbours on it share most of their negatives.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from mmpipeline.config.pairs import PairConfig
from mmpipeline.errors import ArtifactError, StageError, TooFewRecipesError
from mmpipeline.pairs.embedding import measure_nearness
from mmpipeline.pairs.report import REPORT_FILE, report_pairs
from mmpipeline.pairs.statements import run_statement
from mmpipeline.pairs.table import write_copies, write_pairs
from mmpipeline.schemas import CATALOG_SCHEMA
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.database import connect_database
from mmpipeline.storage.segments import recipes_sql

PAIRS_FILE = "pairs.parquet"
COPIES_FILE = "copies.parquet"
RECIPES_FILE = "recipes.parquet"
_FULL_DISK = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def build_pairs(  # noqa: PLR0913 -- three say where the work is done, not what is made
    catalog: Path,
    target: Path,
    config: PairConfig,
    temporary: Path,
    memory_limit: str = "1GB",
    threads: int = 0,
    embedding: Path | None = None,
) -> dict[str, float]:
    """Write `pairs.parquet`, `copies.parquet` and `report.json`.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    target
        Folder to write into; it exists.
    config
        How many pairs of each kind an anchor gets.
    temporary
        Folder for data that do not fit the memory limit.
    memory_limit
        Memory that DuckDB may use, such as ``1GB``.
    threads
        Threads of DuckDB; 0 means all cores.
    embedding
        Folder with an earlier model's vectors, such as a published index: hard negatives then
        come from the dishes nearest in it, and not from those that share ingredients.

    Returns
    -------
    dict of str to float
        Counts of recipes, anchors, pairs by kind, and of what could not be paired.

    Raises
    ------
    ArtifactError
        If the folder holds no catalogue.
    TooFewRecipesError
        If the catalogue gives no positives or no negatives.
    StageError
        If memory or disk do not suffice.
    """
    values: dict[str, object] = config.model_dump() | {
        "catalog": str(_find_recipes(catalog)),
        "dishes": list(config.dishes or ()),
        "max_anchors_per_dish": config.max_anchors_per_dish or 2**31,
    }
    with (
        _named_limits(memory_limit, temporary),
        connect_database(temporary, memory_limit=memory_limit, threads=threads) as connection,
    ):
        connection.execute(f"CREATE VIEW catalog AS {recipes_sql(catalog)}")
        _choose_pairs(connection, config, values, embedding)
        report = report_pairs(connection, values)
        _require_pairs(report["kinds"])
        write_pairs(connection, target / PAIRS_FILE)
        write_copies(connection, target / COPIES_FILE)
    write_json_atomic(target / REPORT_FILE, report)
    counts: dict[str, float] = report["counts"]
    return counts


def _find_recipes(catalog: Path) -> Path:
    """Return the path of the table of recipes.

    Raises
    ------
    ArtifactError
        If it is not there, cannot be read, or is another table.
    """
    recipes = catalog / RECIPES_FILE
    if not recipes.is_file():
        raise ArtifactError(f"{catalog} holds no {RECIPES_FILE}; build the catalogue first")
    try:
        found = pq.read_schema(recipes).names
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{recipes} cannot be read: {error}") from error
    missing = sorted(set(CATALOG_SCHEMA.names) - set(found))
    if missing:
        raise ArtifactError(
            f"{recipes} is no catalogue: it lacks {', '.join(missing)}; build the catalogue anew"
        )
    return recipes


def _choose_pairs(
    connection: duckdb.DuckDBPyConnection,
    config: PairConfig,
    values: Mapping[str, object],
    embedding: Path | None,
) -> None:
    """Fill the table `slot`: which recipe is paired with which, as what."""
    plain = config.negatives + config.hard_negatives
    swaps = max(config.image_swaps, config.text_swaps)
    all_recipes = {**values, "whole_only": False, "candidates": plain}
    whole_recipes = {**values, "whole_only": True, "candidates": swaps}
    look_alikes = [("near_dishes", values)]
    if embedding is None:
        look_alikes = [("profiles", values), ("look_alikes", values)]
    steps = (
        ("split_type", values),
        ("dish_type", values),
        ("language_type", values),
        ("recipes", values),
        ("rings", all_recipes),
        ("anchors", values),
        ("weights", values),
        ("positives", values),
        *look_alikes,
        ("hard_negatives", values),
        ("outsiders", all_recipes),
        ("negatives", values),
        ("rings", whole_recipes),
        ("outsiders", whole_recipes),
        ("swaps", values),
        ("kinds", values),
        ("slots", values),
    )
    for name, step_values in tqdm(steps, "pairs", disable=None, leave=False, ncols=100):
        if name == "near_dishes" and embedding is not None:
            measure_nearness(connection, embedding)
        run_statement(connection, name, step_values)
        if name == "dish_type":
            _require_dishes(connection, values)
        if name == "recipes":
            _require_recipes(connection, str(values["catalog"]))
    for table in ("ring", "outsider", "positive", "negative", "swap", "hard_negative"):
        connection.execute(f"DROP TABLE {table}")


def _require_dishes(connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]) -> None:
    """Check that the catalogue has the dishes that the config names.

    Raises
    ------
    StageError
        Naming those that it lacks.
    """
    missing = [row[0] for row in run_statement(connection, "missing_dishes", values).fetchall()]
    if missing:
        raise StageError(
            f"{values['catalog']} has no dish {', '.join(missing)}, which pairs.dishes names; give "
            "dishes as dishes.parquet of the catalogue writes them"
        )


def _require_recipes(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Check that there is something to pair.

    Raises
    ------
    TooFewRecipesError
        If there is no recipe, or one dish only.
    StageError
        If an id is there twice.
    """
    row = run_statement(connection, "check_recipes", {}).fetchone()
    recipes, ids, dishes, labelled = row or (0, 0, 0, 0)
    if recipes == 0:
        raise TooFewRecipesError(
            f"{catalog} holds 0 recipes with a photo or a text that pairs may use; expected at "
            "least two dishes of two recipes; collect more recipes"
        )
    if ids < recipes:
        raise StageError(f"{catalog} repeats {recipes - ids} recipe ids; build the catalogue anew")
    if labelled == recipes and dishes == 1:
        raise TooFewRecipesError(
            f"all {recipes} recipes of the catalogue are of one dish, so no negative exists; "
            "expected at least two dishes; collect recipes of another dish"
        )


def _require_pairs(kinds: Sequence[Mapping[str, Any]]) -> None:
    """Check that training gets both labels.

    Raises
    ------
    TooFewRecipesError
        If the train split gives no positives or no negatives.
    """
    positives, negatives = (
        sum(row["pairs"] for row in kinds if row["split"] == "train" and row["label"] == label)
        for label in (1, 0)
    )
    if not positives or not negatives:
        raise TooFewRecipesError(
            f"the train split gives {positives} positive and {negatives} negative pairs; "
            "expected both: two dishes with two recipes each, or recipes with photo and text"
        )


@contextmanager
def _named_limits(memory_limit: str, temporary: Path) -> Iterator[None]:
    """Turn DuckDB's errors about memory and disk into messages that say what to do.

    Raises
    ------
    StageError
        If memory or disk do not suffice.
    OSError
        For any other trouble with files, as it came; DuckDB's own is IOException.
    IOException
        See OSError.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StageError(
            f"the pair tables need more than {memory_limit} of memory; set "
            "MMPIPELINE_DUCKDB_MEMORY to a larger size, such as 2GB"
        ) from error
    except (duckdb.IOException, OSError) as error:
        reason = next((words for words in _FULL_DISK if words in str(error)), None)
        if reason is None:
            raise
        raise StageError(
            f"the disk is full or a limit on it is reached ({reason}) while building pair tables "
            f"(spilled data: {temporary}); free space or raise the limit, and run again: the "
            "earlier tables are untouched"
        ) from error
