"""Recipes are a pure function of seed and index, and the words hold what the draw says."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.config import DifficultyConfig, SampleConfig
from mmpipeline.sample.world.densities import STAPLES, world_of
from mmpipeline.sample.world.dishes import load_dishes, load_pantry
from mmpipeline.sample.world.draws import dish_row, origin_of
from mmpipeline.sample.world.recipes import (
    SampleRecipe,
    position_of_site_id,
    published_at,
    recipe_at,
    site_id_at,
)

CONFIG = SampleConfig()


def comparable(recipe: SampleRecipe) -> tuple[object, ...]:
    draw = recipe.draw
    return (
        recipe.recipe_id, recipe.dish, recipe.title, recipe.ingredients, recipe.steps,
        recipe.servings, recipe.minutes, recipe.level, recipe.author, recipe.published,
        draw.amounts.tobytes(), draw.base.tobytes(), draw.form, draw.vessel, draw.has_photo,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200_000), st.integers(2, 400_000))
def test_recipe_does_not_depend_on_the_size_of_the_world(index: int, recipes: int) -> None:
    grown = CONFIG.model_copy(update={"recipes": recipes})
    assert comparable(recipe_at(CONFIG, index)) == comparable(recipe_at(grown, index))


def test_seed_changes_recipes() -> None:
    other = CONFIG.model_copy(update={"seed": 7})
    same = sum(recipe_at(CONFIG, i).title == recipe_at(other, i).title for i in range(50))
    assert same < 10


def test_every_dish_occurs_equally_often_in_both_languages() -> None:
    for parity in (0, 1):
        rows = Counter(dish_row(CONFIG, index) for index in range(parity, 1200, 2))
        assert set(rows) == set(range(60))
        assert set(rows.values()) == {10}


def test_named_titles_hold_a_name_and_others_hold_none() -> None:
    dishes = load_dishes()
    names = {
        (language, name.casefold()): dish.key
        for dish in dishes
        for language in ("ko", "en")
        for name in (*dish.names[language], *dish.misspelt[language])
    }
    for index in range(1500):
        recipe = recipe_at(CONFIG, index)
        title = recipe.title.casefold()
        found = {
            key for (language, name), key in names.items()
            if language == recipe.language and name in title
        }  # fmt: skip
        if recipe.draw.is_named:
            assert recipe.dish in found, recipe.title
        else:
            assert not found, recipe.title


def test_no_name_belongs_to_two_dishes() -> None:
    counts = Counter(
        name.casefold()
        for dish in load_dishes()
        for words in (dish.names, dish.misspelt)
        for language in ("ko", "en")
        for name in words[language]
    )
    assert [name for name, count in counts.items() if count > 1] == []


def test_share_of_unnamed_titles_follows_the_config() -> None:
    config = CONFIG.model_copy(update={"difficulty": DifficultyConfig(unnamed_title_fraction=0.9)})
    for chosen, share in ((CONFIG, CONFIG.difficulty.unnamed_title_fraction), (config, 0.9)):
        named = [recipe_at(chosen, index).draw.is_named for index in range(600)]
        assert 1 - np.mean(named) == pytest.approx(share, abs=0.06)


def test_ingredient_lines_match_the_draw() -> None:
    words = [spec.words for spec in load_pantry().ingredients]
    for index in range(60):
        recipe = recipe_at(CONFIG, index)
        if not recipe.draw.has_ingredients:
            assert recipe.ingredients == ()
            continue
        drawn = [words[key][recipe.language] for key in np.flatnonzero(recipe.draw.included)]
        assert len(recipe.ingredients) == len(drawn)
        for item in recipe.ingredients:
            assert any(item.name in options for options in drawn)


def test_copies_are_rare_and_stay_in_their_language() -> None:
    copies = [index for index in range(4000) if origin_of(CONFIG, index) != index]
    assert 15 <= len(copies) <= 80
    for index in copies[:10]:
        original = recipe_at(CONFIG, origin_of(CONFIG, index))
        copy = recipe_at(CONFIG, index)
        assert copy.language == original.language
        assert copy.dish == original.dish
        assert copy.ingredients == original.ingredients
        assert copy.recipe_id != original.recipe_id


def test_families_hold_look_alikes() -> None:
    telling = [spec.key not in STAPLES for spec in load_pantry().ingredients]
    inclusion = world_of(CONFIG).inclusion[:, telling]
    dishes = load_dishes()
    likeness = np.array(np.corrcoef(inclusion))
    same = np.array([[a.family == b.family for b in dishes] for a in dishes])
    np.fill_diagonal(likeness, np.nan)
    assert np.nanmean(likeness[same]) > 3 * np.nanmean(likeness[~same])


@given(st.integers(0, 400_000))
def test_site_id_can_be_undone(position: int) -> None:
    site_id = site_id_at(position)
    assert len(str(site_id)) == 7
    assert position_of_site_id(site_id) == position
    assert site_id_at(position + 1) > site_id


def test_gaps_between_site_ids_belong_to_nobody() -> None:
    ids = {site_id_at(position) for position in range(100)}
    for candidate in range(5_999_990, max(ids)):
        assert (position_of_site_id(candidate) is not None) == (candidate in ids)


def test_dates_grow_with_the_index() -> None:
    moments = [published_at(index) for index in range(0, 2000, 2)]
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert published_at(2_000_000).year <= 2026
