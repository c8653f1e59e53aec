"""The word files hold together."""

import numpy as np
import pytest

from mmpipeline.config import SampleConfig
from mmpipeline.sample.world.densities import FORMS, VESSELS, world_of
from mmpipeline.sample.world.dishes import load_dishes, load_pantry


def test_sixty_dishes_in_families_of_look_alikes() -> None:
    pantry = load_pantry()
    assert len(pantry.dishes) == 60
    for family in pantry.families:
        assert sum(dish.family == family for dish in pantry.dishes) >= 2
    assert load_dishes(3) == pantry.dishes[:3]


def test_keys_that_dishes_use_exist() -> None:
    pantry = load_pantry()
    ingredients = {spec.key for spec in pantry.ingredients}
    components = {component.key for component in pantry.components}
    for dish in pantry.dishes:
        assert set(dish.ingredients) <= ingredients
        assert set(dish.show) <= components
        assert set(dish.tastes) <= set(pantry.tastes)
        assert dish.form in FORMS
        assert set(dish.categories) == {"cat1", "cat2", "cat3", "cat4"}
        for words in (dish.names, dish.misspelt):
            assert all(words[language] for language in ("ko", "en"))
    for spec in pantry.ingredients:
        assert spec.kind in pantry.amounts
        assert spec.component is None or spec.component in components
    assert {family.vessel for family in pantry.families.values()} <= set(VESSELS)


@pytest.mark.parametrize("dishes", [2, 60])
def test_densities_are_distributions(dishes: int) -> None:
    world = world_of(SampleConfig(dishes=dishes))
    assert np.all((world.inclusion > 0) & (world.inclusion < 1))
    for table in (world.taste, world.family, world.signature, world.form, world.vessel):
        assert np.all(table >= 0)
        assert np.allclose(table.sum(axis=1), 1)
    assert np.allclose(world.cue.sum(axis=1), 1)
