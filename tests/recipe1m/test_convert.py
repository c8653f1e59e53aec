import pytest

from mmpipeline.recipe1m.convert import convert_recipe, is_usable_id
from mmpipeline.recipe1m.records import Line, RawRecipe


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
    assert recipe.recipe_id == "r1m:0a1b2c3d4e"
    assert recipe.title == "Invented & Simple Bread"
    assert recipe.language == "en"
    assert recipe.source_partition == "train"
    assert recipe.ingredients[0].name == "invented flour"
    assert recipe.instructions == ("Mix the flour with water.", "Bake.")
    assert recipe.url == "http://example.org/r/1"


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
    assert (recipe.title, recipe.source_partition, recipe.url) == (None, None, None)
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
    assert recipe.language == language


def test_usable_ids() -> None:
    assert is_usable_id("000018c8a5")
    assert not is_usable_id("")
    assert not is_usable_id("a b")
    assert not is_usable_id("a" * 65)
