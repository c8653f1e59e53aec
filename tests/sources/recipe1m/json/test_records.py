from typing import Any

import pytest

from mmpipeline.sources.recipe1m.json.records import Line, RawRecipe, read_loose_recipe


def test_usable_fields_of_an_ill_typed_record_are_kept() -> None:
    recipe, problems = read_loose_recipe({
        "id": "a",
        "title": 7,
        "ingredients": [{"text": "salt"}, "pepper", {"text": None}, 3],
        "instructions": {"text": "Mix."},
        "partition": "val",
        "url": None,
    })
    assert recipe == RawRecipe(id="a", ingredients=[Line("salt"), Line("pepper")], partition="val")
    assert [(field, reason) for field, reason, _ in problems] == [
        ("title", "wrong_type"),
        ("ingredients", "wrong_type"),
        ("instructions", "wrong_type"),
    ]


@pytest.mark.parametrize("values", [{}, {"id": 5}, {"id": None, "title": "t"}])
def test_a_record_without_an_id_is_not_kept(values: dict[str, Any]) -> None:
    recipe, problems = read_loose_recipe(values)
    assert recipe is None
    assert problems[0][:2] == ("id", "missing_id")
