import pyarrow as pa
import pytest

from mmpipeline.search.ask.filters import find_rows
from mmpipeline.search.query import Filters
from mmpipeline.search.vectors.items import ITEMS_SCHEMA

ROWS = [
    ("a", "ko", "10k", "stew", ["hot", "winter"]),
    ("b", "en", "r1m", "stew", []),
    ("c", "ko", "r1m", None, ["winter"]),
    ("d", "ko", "10k", "rice", ["hot", "winter", "quick"]),
]
ITEMS = pa.Table.from_pylist(
    [
        {"recipe_id": name, "language": language, "source": source, "dish": dish, "tags": tags}
        | {"ingredients": []}
        for name, language, source, dish, tags in ROWS
    ],
    schema=ITEMS_SCHEMA,
)


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        (Filters(), "abcd"),
        (Filters(language=("ko",)), "acd"),
        (Filters(language=("ko", "en")), "abcd"),
        (Filters(source=("10k",)), "ad"),
        (Filters(dish=("stew", "rice")), "abd"),
        (Filters(dish=("none",)), ""),
        (Filters(tags=("winter",)), "acd"),
        (Filters(tags=("winter", "hot")), "ad"),
        (Filters(tags=("winter", "hot"), dish=("rice",), language=("ko",)), "d"),
    ],
)
@pytest.mark.parametrize("chunks", [1, 3])
def test_rows_that_pass(filters: Filters, passing: str, chunks: int) -> None:
    items = ITEMS
    if chunks > 1:
        items = pa.concat_tables([ITEMS.slice(0, 1), ITEMS.slice(1, 2), ITEMS.slice(3)])
    rows = find_rows(items, filters)
    assert "".join(ROWS[row][0] for row in rows) == passing
