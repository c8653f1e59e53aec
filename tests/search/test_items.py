import numpy as np
import pyarrow as pa
import pytest

from mmpipeline.schemas import CATALOG_SCHEMA, Ingredient, Recipe, RecipeImage
from mmpipeline.search.items import ITEMS_SCHEMA, DishSums, make_items


def make_table(recipes: list[Recipe]) -> pa.Table:
    extra = {"group_id": "g", "split": "train", "content_hash": "c"}
    return pa.Table.from_pylist([r.to_row() | extra for r in recipes], schema=CATALOG_SCHEMA)


def labels(rows: list[tuple[str | None, str | None, str]]) -> pa.Table:
    names = ["dish", "dish_set", "split"]
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


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
    items = make_items(table.slice(rows.start, rows.stop - rows.start))
    assert items.schema == ITEMS_SCHEMA
    expected = [("a", None, []), ("b", "x/2.jpg", ["무", "물"]), ("c", "4", [])]
    assert [
        (row["recipe_id"], row["image_path"], row["ingredients"]) for row in items.to_pylist()
    ] == expected[rows]


def test_known_dishes_are_the_mean_of_training_recipes_and_unknown_ones_of_all() -> None:
    sums = DishSums(2)
    east, north = [1.0, 0.0], [0.0, 1.0]
    sums.add(
        labels([
            ("rice", "known", "train"),
            ("rice", "known", "test"),
            ("new", "unknown", "test"),
            (None, None, "train"),
        ]),
        np.array([east, north, east, north], dtype=np.float32),
    )
    sums.add(
        labels([("new", "unknown", "val"), ("rice", "known", "train")]),
        np.array([north, east], dtype=np.float32),
    )
    means = sums.means()
    assert means.dishes == ["new", "rice"]
    assert means.recipes == [2, 2]
    np.testing.assert_allclose(means.prototypes, [[0.5**0.5, 0.5**0.5], east], atol=1e-6)


def test_no_labels_give_no_prototypes() -> None:
    sums = DishSums(3)
    table = labels([(None, None, "train")]).cast(
        pa.schema([("dish", pa.string()), ("dish_set", pa.string()), ("split", pa.string())])
    )
    sums.add(table, np.ones((1, 3), dtype=np.float32))
    assert sums.means().prototypes.shape == (0, 3)


def test_opposite_vectors_have_no_mean_direction() -> None:
    sums = DishSums(2)
    table = labels([("a", "known", "train"), ("a", "known", "train")])
    sums.add(table, np.array([[1, 0], [-1, 0]], dtype=np.float32))
    assert sums.means().dishes == []
