"""What recipes are called: dish names found on their pages and in their titles.

The dictionary is asked in Python, a batch at a time; which of the findings becomes the label is
decided in SQL, where a name's frequency is known.
"""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

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
])
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
        result = reader.execute("SELECT recipe_id, dish_name, title FROM recipes")
        while rows := result.fetchmany(_BATCH_ROWS):
            found = [_find_names(dictionary, *row) for row in rows]
            writer.register("found_names", pa.Table.from_pylist(found, schema=NAMES_SCHEMA))
            writer.execute("INSERT INTO names SELECT * FROM found_names")
            writer.unregister("found_names")
        writer.register("known_dishes", pa.Table.from_pylist(list(_known_dishes(dictionary))))
        writer.execute("CREATE TABLE dictionary AS SELECT * FROM known_dishes")


def _known_dishes(dictionary: DishDictionary) -> Iterator[dict[str, str]]:
    for dish in dictionary.dishes.values():
        yield {"dish": dish.key, "name_ko": dish.names_ko[0], "name_en": dish.names_en[0]}


def _find_names(
    dictionary: DishDictionary, recipe_id: str, dish_name: str | None, title: str | None
) -> dict[str, str | float | None]:
    page = dictionary.match(dish_name) if dish_name else None
    key = _name_key(dish_name) if dish_name and page is None else None
    match = dictionary.match(title) if title else None
    return {
        "recipe_id": recipe_id,
        **_columns("page", page),
        **_columns("title", match),
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
