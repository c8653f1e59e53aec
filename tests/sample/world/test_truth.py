"""The truth agrees with the recipes."""

from mmpipeline.config import SampleConfig
from mmpipeline.sample.world.recipes import recipe_at
from mmpipeline.sample.world.truth import iterate_truth


def test_truth_agrees_with_recipes() -> None:
    config = SampleConfig(recipes=300)
    rows = list(iterate_truth(config))
    assert len({row.recipe_id for row in rows}) == 300
    for index, row in enumerate(rows):
        recipe = recipe_at(config, index)
        assert (row.recipe_id, row.dish, row.language) == (
            recipe.recipe_id, recipe.dish, recipe.language,
        )  # fmt: skip
        assert row.title_names_dish == recipe.draw.is_named
    assert {row.language for row in rows} == {"ko", "en"}
    assert any(row.title_misspelt for row in rows)
    ids = {row.recipe_id for row in rows}
    assert {row.copy_of for row in rows if row.copy_of} <= ids
