from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from mmpipeline.schemas import CATALOG_SCHEMA, Ingredient, Recipe, RecipeImage
from mmpipeline.search.vectors.items import ITEMS_SCHEMA, make_items


def make_table(recipes: list[Recipe]) -> pa.Table:
    extra = {"group_id": "g", "split": "train", "content_hash": "c"}
    return pa.Table.from_pylist([r.to_row() | extra for r in recipes], schema=CATALOG_SCHEMA)


@pytest.mark.parametrize("rows", [slice(0, 3), slice(1, 3), slice(0, 1), slice(0, 0)])
def test_items_show_first_usable_photo_and_names(rows: slice) -> None:
    recipes = [
        Recipe(recipe_id="a", source="10k", language="ko"),
        Recipe(
            recipe_id="b",
            source="10k",
            language="ko",
            title="국",
            ingredients=(Ingredient(text="무 1개", name="무"), Ingredient(text="물")),
            images=(
                RecipeImage(id="1"),
                RecipeImage(id="2", path="x/2.jpg"),
                RecipeImage(id="3", path="x/3.jpg"),
            ),
        ),
        Recipe(recipe_id="c", source="10k", language="ko", images=(RecipeImage(id="4", path="4"),)),
    ]
    table = make_table(recipes)
    count = rows.stop - rows.start
    items = make_items(table.slice(rows.start, count), [b""] * count)
    assert items.schema == ITEMS_SCHEMA
    expected = [("a", None, []), ("b", "x/2.jpg", ["무", "물"]), ("c", "4", [])]
    assert [
        (row["recipe_id"], row["image_path"], row["ingredients"]) for row in items.to_pylist()
    ] == expected[rows]


def test_fingerprints_tell_what_changed() -> None:
    recipe = Recipe(recipe_id="a", source="10k", language="ko", title="국", tags=("hot",))
    plain = make_items(make_table([recipe]), [b"v"])["fingerprint"][0].as_py()
    assert make_items(make_table([recipe]), [b"v"])["fingerprint"][0].as_py() == plain
    assert make_items(make_table([recipe]), [b"w"])["fingerprint"][0].as_py() != plain
    for change in ({"title": "탕"}, {"tags": ("cold",)}, {"url": "u"}, {"tags": ()}):
        other = make_items(make_table([replace(recipe, **change)]), [b"v"])
        assert other["fingerprint"][0].as_py() != plain


LOOK_ALIKE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"tags": ("a", "b")}, {"tags": ("a\nb",)}),
    ({"tags": ()}, {"tags": ("",)}),
    ({"tags": ("a", "")}, {"tags": ("a\n",)}),
    ({"title": None}, {"title": "\x00"}),
    ({"url": None, "author": "b"}, {"url": "\x00\x1fb", "author": None}),
    ({"url": "a\x1fb", "author": "c"}, {"url": "a", "author": "b\x1fc"}),
    ({"tags": ("\\n",)}, {"tags": ("\n",)}),
    ({"tags": ("\\e",)}, {"tags": ("",)}),
]


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKE)
def test_what_looks_alike_when_joined_has_another_fingerprint(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    recipes = [Recipe(recipe_id="a", source="10k", language="ko", **kind) for kind in (one, other)]
    found = make_items(make_table(recipes), [b"v", b"v"])["fingerprint"].to_pylist()
    assert found[0] != found[1]


def test_a_fingerprint_of_an_earlier_version_holds() -> None:
    """Else every index would embed all recipes once more."""
    recipe = Recipe(
        recipe_id="a", source="10k", language="ko", title="국", tags=("x", "y"), url="u"
    )
    [found] = make_items(make_table([recipe]), [b"v"])["fingerprint"].to_pylist()
    assert found == "d05f2cda67c178179bb6355769e940bd"
