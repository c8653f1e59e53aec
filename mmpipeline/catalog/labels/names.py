"""Dish names of recipes, found on their pages and in their titles.

The dictionary is asked in Python, a batch at a time; so are the names mined from the titles that
it left over. Which of the findings becomes the label is decided in SQL, where a name's frequency
is known. A recipe in another language than Korean and English is left unlabelled.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

import duckdb
import pyarrow as pa

from mmpipeline.catalog.labels.joining import join_names
from mmpipeline.catalog.labels.mining import NameMiner, count_names, label_title_core
from mmpipeline.catalog.labels.title_noise import DressedTitle, TitleNoise
from mmpipeline.catalog.labels.title_parts import (
    drop_ingredients,
    find_title_core,
    is_korean,
    learn_noise_beside_lists,
    split_words,
)
from mmpipeline.catalog.labels.vocabulary import LANGUAGES, Vocabulary
from mmpipeline.catalog.statements import read_statement
from mmpipeline.text.dishes import DishDictionary
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
    pa.field("title_end", pa.int32()),  # where the dish's name ends in the title, in letters
])
CORES_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("core", pa.string()),  # what is left of a title that the dictionary does not know
    pa.field("bare", pa.string()),  # the same without its own recipe's ingredients before it
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

    def find(
        recipe_id: str, dish_name: str | None, title: str | None
    ) -> tuple[str | float | None, ...]:
        return recipe_id, *find_names(dictionary, dish_name, title)

    query = "SELECT recipe_id, dish_name, title FROM recipes WHERE language IN ('ko', 'en')"
    _fill(connection, "names", NAMES_SCHEMA, query, find)
    connection.register("known", pa.Table.from_pylist(list(_known_dishes(dictionary))))
    connection.execute("CREATE TABLE dictionary AS SELECT * FROM known")
    connection.unregister("known")


def learn_vocabulary(
    connection: duckdb.DuckDBPyConnection, dictionary: DishDictionary, min_titles: int
) -> Vocabulary:
    """Learn noise and names from all titles; fill the table `cores`.

    Parameters
    ----------
    connection
        Holds `recipes`, `folded`, `names` and `copy_groups`.
    dictionary
        Dishes that are known beforehand.
    min_titles
        Least number of titles, copies aside, that use a mined name; more in a large catalogue.

    Returns
    -------
    Vocabulary
        What was learnt; it depends on the recipes alone, not on their order.
    """
    rows = connection.execute(read_statement("dressed_titles")).fetchall()
    titles: dict[str, list[DressedTitle]] = {language: [] for language in LANGUAGES}
    for title, ingredients, dish, end in rows:
        words = split_words(title)
        ends = list(accumulate(len(word.replace(" ", "")) for word in words))
        place = bisect_left(ends, end) + 1 if dish else 0
        dressed = DressedTitle(words, ingredients, dish, place)
        titles["ko" if is_korean(title) else "en"].append(dressed)
    del rows
    title_noise = {language: learn_noise_beside_lists(found) for language, found in titles.items()}
    del titles
    load_title_cores(connection, title_noise)
    [(count,)] = connection.execute("SELECT count(*) FROM names").fetchall()
    least = max(min_titles, round(_RARE_SHARE * count))
    title_cores = connection.execute(read_statement("core_counts")).fetchall()
    return Vocabulary(title_noise, count_names(title_cores, dictionary, least))


def load_title_cores(
    connection: duckdb.DuckDBPyConnection, title_noise: Mapping[str, TitleNoise]
) -> None:
    """Fill the table `cores` from `recipes` and `names`.

    Parameters
    ----------
    connection
        Holds both.
    title_noise
        What was learnt, by language.
    """

    def find(recipe_id: str, title: str, ingredients: str) -> tuple[str, str, str, bool]:
        title_core, is_whole = find_title_core(
            title, title_noise["ko" if is_korean(title) else "en"]
        )
        return recipe_id, title_core, drop_ingredients(title_core, ingredients), is_whole

    _fill(connection, "cores", CORES_SCHEMA, read_statement("unnamed_titles"), find)


def load_mined_names(
    connection: duckdb.DuckDBPyConnection, dictionary: DishDictionary, names: Mapping[str, int]
) -> None:
    """Fill the table `mined` from `cores`.

    Parameters
    ----------
    connection
        Holds it.
    dictionary
        Dishes that are known beforehand.
    names
        The names learnt.
    """
    miner = NameMiner(names, dictionary)

    def find(recipe_id: str, title_core: str) -> tuple[str | float | None, ...]:
        return recipe_id, *label_title_core(title_core, miner)

    query = "SELECT recipe_id, core FROM cores WHERE core <> ''"
    _fill(connection, "mined", MINED_SCHEMA, query, find)
    connection.execute("DELETE FROM mined WHERE mined_dish IS NULL")


def join_languages(connection: duckdb.DuckDBPyConnection) -> None:
    """Give one label to dishes that are named in each language by itself but sound alike.

    Parameters
    ----------
    connection
        Holds `labels`.
    """
    rows = connection.execute(read_statement("unlisted_dishes")).fetchall()
    pairs = sorted(join_names(dict(rows)).items())
    schema = pa.schema([pa.field(name, pa.string()) for name in ("english", "korean")])
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], []]
    connection.register("joined", pa.table(columns, schema=schema))
    connection.execute(read_statement("joined_labels"))
    connection.unregister("joined")


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: pa.Schema,
    query: str,
    make_row: Callable[..., tuple[Any, ...]],
) -> None:
    """Create a table of what a function makes of the rows of a query, a batch at a time."""
    with connection.cursor() as reader, connection.cursor() as writer:
        writer.register("rows", schema.empty_table())
        writer.execute(f"CREATE TABLE {table} AS SELECT * FROM rows")
        result = reader.execute(query)
        while rows := result.fetchmany(_BATCH_ROWS):
            columns = zip(*(make_row(*row) for row in rows), strict=True)
            writer.register("rows", pa.table(list(map(list, columns)), schema=schema))
            writer.execute(f"INSERT INTO {table} SELECT * FROM rows")
        writer.unregister("rows")


def _known_dishes(dictionary: DishDictionary) -> Iterator[dict[str, str]]:
    for dish in dictionary.dishes.values():
        yield {"dish": dish.key, "name_ko": dish.names_ko[0], "name_en": dish.names_en[0]}


def find_names(
    dictionary: DishDictionary, dish_name: str | None, title: str | None
) -> tuple[str | float | None, ...]:
    """Find what a recipe's page and title call it.

    Parameters
    ----------
    dictionary
        Dishes that are known beforehand.
    dish_name, title
        As the page says them.

    Returns
    -------
    tuple
        The columns of `NAMES_SCHEMA` behind the id.
    """
    page = dictionary.match(dish_name) if dish_name else None
    key = _name_key(dish_name) if dish_name and page is None else None
    match = dictionary.match(title) if title else None
    return (
        page.dish if page else None,
        page.confidence if page else None,
        key,
        clean_text(dish_name) if dish_name and key else None,
        match.dish if match else None,
        match.confidence if match else None,
        match.end if match else None,
    )


def _name_key(dish_name: str) -> str | None:
    """Return the key of a dish that only its page names, such as ``ko:갈치국``."""
    folded = fold_text(dish_name).replace(" ", "")
    language = detect_language(dish_name)
    return f"{language}:{folded}" if folded and language != "other" else None
