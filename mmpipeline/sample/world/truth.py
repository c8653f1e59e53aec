"""The truth about each recipe, for tests and benchmarks only, never for the pipeline itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.world.densities import world_of
from mmpipeline.sample.world.draws import draw_recipe
from mmpipeline.sample.world.recipes import recipe_id_at


@dataclass(frozen=True, slots=True)
class TruthRow:
    """The truth about one recipe.

    Attributes
    ----------
    recipe_id
        As the product writes it: ``10k:6000003``, ``r1m:0a1b2c3d4e``.
    dish
        Key of the dish.
    language
        ``ko`` or ``en``.
    title_names_dish
        Whether the title holds a name of the dish, well or badly spelt.
    title_misspelt
        Whether it is badly spelt.
    copy_of
        The recipe this one is an exact or near copy of; None for nearly all.
    """

    recipe_id: str
    dish: str
    language: str
    title_names_dish: bool
    title_misspelt: bool
    copy_of: str | None


def iterate_truth(config: SampleConfig) -> Iterator[TruthRow]:
    """Tell the truth about every recipe of the world, in the order of the index.

    Parameters
    ----------
    config
        The world.

    Yields
    ------
    TruthRow
        One a recipe.
    """
    dishes = world_of(config).dishes
    for index in range(config.recipes):
        draw = draw_recipe(config, index)
        yield TruthRow(
            recipe_id=recipe_id_at(config, index),
            dish=dishes[draw.dish].key,
            language=draw.language,
            title_names_dish=draw.is_named,
            title_misspelt=draw.is_misspelt,
            copy_of=None if draw.origin == index else recipe_id_at(config, draw.origin),
        )
