from typing import Any

import pytest

from mmpipeline.schemas import RECIPE_SCHEMA
from mmpipeline.sources.recipe1m.convert import RecipeBatch, convert_batch, is_usable_id
from mmpipeline.sources.recipe1m.json.blocks import RawBatch, make_batch
from mmpipeline.sources.recipe1m.json.decoding import Record
from mmpipeline.sources.recipe1m.json.records import Line, RawRecipe


def convert(*raw: RawRecipe) -> RecipeBatch:
    return convert_batch(make_batch([Record(n * 100, 10, row) for n, row in enumerate(raw)]))


def convert_recipe(raw: RawRecipe) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    batch = convert(raw)
    [recipe] = batch.table.to_pylist()
    return recipe, [(field, reason, detail) for _, field, reason, detail in batch.problems]


def test_a_whole_record() -> None:
    recipe, problems = convert_recipe(
        RawRecipe(
            id="0a1b2c3d4e",
            title="Invented &amp; Simple Bread",
            ingredients=[Line("2 cups invented flour")],
            instructions=[Line("Mix the flour with water."), Line("Bake.")],
            partition="train",
            url="http://example.org/r/1",
        )
    )
    assert problems == []
    assert recipe["recipe_id"] == "r1m:0a1b2c3d4e"
    assert recipe["title"] == "Invented & Simple Bread"
    assert recipe["language"] == "en"
    assert recipe["source_partition"] == "train"
    assert recipe["ingredients"][0]["name"] == "invented flour"
    assert recipe["instructions"] == ["Mix the flour with water.", "Bake."]
    assert recipe["url"] == "http://example.org/r/1"


def test_every_bad_field_is_named_and_missing() -> None:
    recipe, problems = convert_recipe(
        RawRecipe(
            id="x",
            title=" ",
            ingredients=[Line(""), Line("12 cup milk")],
            instructions=[],
            partition="dev",
            url="javascript:alert(1)",
        )
    )
    assert (recipe["title"], recipe["source_partition"], recipe["url"]) == (None, None, None)
    assert [(field, reason) for field, reason, _ in problems] == [
        ("ingredients", "fraction_repaired"),
        ("ingredients", "empty_line"),
        ("title", "missing"),
        ("instructions", "missing"),
        ("url", "unusable_url"),
        ("partition", "unknown_partition"),
    ]


@pytest.mark.parametrize(
    ("title", "step", "language"),
    [("빵", "밀가루를 섞어요", "ko"), ("面包", "将面粉混合均匀", "other"), ("Bread", "Mix.", "en")],
)
def test_language(title: str, step: str, language: str) -> None:
    recipe, _ = convert_recipe(RawRecipe(id="x", title=title, instructions=[Line(step)]))
    assert recipe["language"] == language


def test_usable_ids() -> None:
    assert is_usable_id("000018c8a5")
    assert not is_usable_id("")
    assert not is_usable_id("a b")
    assert not is_usable_id("a" * 65)


def test_rows_stay_apart() -> None:
    batch = convert(
        RawRecipe(id="a", title=None, instructions=[Line(" "), Line("Mix.")]),
        RawRecipe(id="b", ingredients=[Line("For the sauce:"), Line("1 cup milk")]),
        RawRecipe(id="c", title="C &amp; D", instructions=[Line("Stir &amp; serve.")]),
    )
    assert batch.table.schema == RECIPE_SCHEMA
    batch.table.validate(full=True)
    rows = batch.table.to_pylist()
    assert [row["instructions"] for row in rows] == [["Mix."], [], ["Stir & serve."]]
    assert [row["title"] for row in rows] == [None, None, "C & D"]
    assert [[line["group"] for line in row["ingredients"]] for row in rows] == [
        [],
        ["For the sauce"],
        [],
    ]
    assert (0, "instructions", "empty_line", "1") in batch.problems


def test_a_record_without_a_usable_id_is_withheld() -> None:
    batch = convert(RawRecipe(id="a"), RawRecipe(id="b c"), RawRecipe(id="d", title="D"))
    assert batch.table["recipe_id"].to_pylist() == ["r1m:a", "r1m:d"]
    assert batch.offsets == [0, 200]
    assert batch.withheld == [(100, "missing_id", "'b c'")]
    assert batch.records == 3


def test_an_empty_batch() -> None:
    table = convert_batch(make_batch([])).table
    assert (table.num_rows, table.schema) == (0, RECIPE_SCHEMA)
    assert isinstance(make_batch([]), RawBatch)
