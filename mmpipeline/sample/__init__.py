"""The sample world: invented recipes, served as a fake 만개의레시피 and written as a Recipe1M dump.

Everything follows from `SampleConfig` and a recipe's index: `recipe_at` gives the recipe,
`photo_at` its picture, `server.serve_site` and `write_recipe1m_dump` the sources,
`iterate_truth` what a labeller should have found, and `oracle_bound` how well anybody could do.
Recipes with an even index are Korean and live on the site, the others are English and live in the
dump.

The generative densities are all known (`densities`), which is what makes the bound exact; the
cost is that the world is as simple as those densities are.
"""

from mmpipeline.sample.bayes import oracle_bound
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.sample.photos.files import photo_at
from mmpipeline.sample.world.dishes import Dish, load_dishes
from mmpipeline.sample.world.recipes import SampleRecipe, recipe_at
from mmpipeline.sample.world.truth import TruthRow, iterate_truth

__all__ = [
    "Dish",
    "SampleRecipe",
    "TruthRow",
    "iterate_truth",
    "load_dishes",
    "oracle_bound",
    "photo_at",
    "recipe_at",
    "write_recipe1m_dump",
]
