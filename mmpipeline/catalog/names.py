"""What recipes are called: dish names found on their pages and in their titles.

The dictionary is asked in Python, a batch at a time; so are the names mined from the titles that
it left over. Which of the findings becomes the label is decided in SQL, where a name's frequency
is known. A recipe in another language than Korean and English is left unlabelled.
"""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from mmpipeline.catalog.mining import NameMiner, find_core, label_core
from mmpipeline.catalog.statements import read_statement
from mmpipeline.text.dishes import DishDictionary, DishMatch
from mmpipeline.text.language import detect_language
from mmpipeline.text.normalize import clean_text, fold_text

NAMES_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("page_dish", pa.string()),  # the page's dish name, as the dictionary's key
    pa.field("page_confidence", pa.float64()),
    pa.field("name_key", pa.string()),  # a page's dish name that the dictionary lacks, folded
    pa.field("name", pa.string()),  # the same as written
    pa.field("title_dish", pa.string()),
    pa.field("title_confidence", pa.float64()),
    pa.field("core", pa.string()),  # what is left of a title that the dictionary does not know
    pa.field("core_is_whole", pa.bool_()),
])
MINED_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("mined_dish", pa.string()),
    pa.field("mined_confidence", pa.float64()),
    pa.field("mined_name", pa.string()),
])
_RARE_SHARE = 2e-5  # of all titles: below it even a name used twice is chance
_BATCH_ROWS = 16_384


def load_names(connection: duckdb.DuckDBPyConnection, dictionary: DishDictionary) -> None:
    """Fill the tables `names` and `dictionary` from the view `recipes`.

    Parameters
    ----------
    connection
        Holds `recipes` with recipe_id, dish_name and title.
    dictionary
        Dishes that are known beforehand.
    """
    empty = NAMES_SCHEMA.empty_table()
    with connection.cursor() as reader, connection.cursor() as writer:
        writer.register("empty_names", empty)
        writer.execute("CREATE TABLE names AS SELECT * FROM empty_names")
        result = reader.execute(
            "SELECT recipe_id, dish_name, title FROM recipes WHERE language IN ('ko', 'en')"
        )
        while rows := result.fetchmany(_BATCH_ROWS):
            found = [_find_names(dictionary, *row) for row in rows]
            writer.register("found_names", pa.Table.from_pylist(found, schema=NAMES_SCHEMA))
            writer.execute("INSERT INTO names SELECT * FROM found_names")
            writer.unregister("found_names")
        writer.register("known_dishes", pa.Table.from_pylist(list(_known_dishes(dictionary))))
        writer.execute("CREATE TABLE dictionary AS SELECT * FROM known_dishes")


def load_mined_names(
    connection: duckdb.DuckDBPyConnection, dictionary: DishDictionary, min_titles: int
) -> None:
    """Fill the table `mined` from `names` and `copy_groups`.

    Parameters
    ----------
    connection
        Holds both.
    dictionary
        Dishes that are known beforehand.
    min_titles
        Least number of titles, copies aside, that use a mined name; more in a large catalogue.
    """
    empty = MINED_SCHEMA.empty_table()
    with connection.cursor() as reader, connection.cursor() as writer:
        cores = reader.execute(read_statement("cores")).fetchall()
        [(titles,)] = reader.execute("SELECT count(*) FROM names").fetchall()
        miner = NameMiner(cores, dictionary, max(min_titles, round(_RARE_SHARE * titles)))
        del cores
        writer.register("empty_mined", empty)
        writer.execute("CREATE TABLE mined AS SELECT * FROM empty_mined")
        result = reader.execute("SELECT recipe_id, core FROM names WHERE core <> ''")
        while rows := result.fetchmany(_BATCH_ROWS):
            labels = [(recipe_id, *label_core(core, miner)) for recipe_id, core in rows]
            columns = [list(column) for column in zip(*labels, strict=True)]
            writer.register("found_mined", pa.table(columns, schema=MINED_SCHEMA))
            writer.execute("INSERT INTO mined SELECT * FROM found_mined WHERE mined_dish NOT NULL")
            writer.unregister("found_mined")


def _known_dishes(dictionary: DishDictionary) -> Iterator[dict[str, str]]:
    for dish in dictionary.dishes.values():
        yield {"dish": dish.key, "name_ko": dish.names_ko[0], "name_en": dish.names_en[0]}


def _find_names(
    dictionary: DishDictionary, recipe_id: str, dish_name: str | None, title: str | None
) -> dict[str, str | float | bool | None]:
    page = dictionary.match(dish_name) if dish_name else None
    key = _name_key(dish_name) if dish_name and page is None else None
    match = dictionary.match(title) if title else None
    core, is_whole = find_core(title) if title and match is None else (None, None)
    return {
        "recipe_id": recipe_id,
        **_columns("page", page),
        **_columns("title", match),
        "core": core,
        "core_is_whole": is_whole,
        "name_key": key,
        "name": clean_text(dish_name) if dish_name and key else None,
    }


def _columns(prefix: str, match: DishMatch | None) -> dict[str, str | float | None]:
    return {
        f"{prefix}_dish": match.dish if match else None,
        f"{prefix}_confidence": match.confidence if match else None,
    }


def _name_key(dish_name: str) -> str | None:
    """Return the key of a dish that only its page names, such as ``ko:갈치국``."""
    folded = fold_text(dish_name).replace(" ", "")
    language = detect_language(dish_name)
    return f"{language}:{folded}" if folded and language != "other" else None
