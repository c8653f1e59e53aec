"""One recipe of the sample world, in words, with the facts around it (ids, date, author).

`recipe_at` is cheap (well under a millisecond) and keeps nothing, so a world of any size streams.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.world.densities import world_of
from mmpipeline.sample.world.draws import RecipeDraw, draw_recipe, random_stream
from mmpipeline.sample.world.habits import cook_of, habits_of
from mmpipeline.sample.world.wording import (
    SampleIngredient,
    write_ingredients,
    write_steps,
    write_title,
)

_T = TypeVar("_T")

MINUTES = (5, 10, 15, 20, 30, 60, 90, 120)
LEVELS = ("아무나", "초급", "중급", "고급", "신의경지")

_FIRST_SITE_ID = 6_000_000
_SITE_ID_STRIDE = 7
_OPENED = datetime(2016, 3, 1, 9, 0)
_SPAN_DAYS = 3800
_HALF_POSITION = 4000
_COOKS = (
    "콩이네부엌", "달콤한하루", "부엌마님", "초보쿡", "밥하는아빠",
    "소소한식탁", "정가네밥상", "오늘뭐먹지",
    "뚝딱이모", "하루한끼",
)  # fmt: skip


@dataclass(frozen=True)
class SampleRecipe:
    """One invented recipe.

    Attributes
    ----------
    recipe_id
        The id the product gives it: ``10k:6000003`` or ``r1m:0a1b2c3d4e``.
    dish
        Key of the dish.
    ingredients, steps
        Empty where the recipe lacks them.
    draw
        The latents, which also decide the photo.
    servings, minutes, level
        None where the author left them open.
    published
        Time of publication; grows with the index.
    """

    index: int
    recipe_id: str
    language: str
    dish: str
    title: str
    ingredients: tuple[SampleIngredient, ...]
    steps: tuple[str, ...]
    draw: RecipeDraw
    servings: int | None
    minutes: int | None
    level: str | None
    author: str
    author_uid: str
    published: datetime

    @property
    def source_id(self) -> str:
        """The id without the source's prefix."""
        return self.recipe_id.partition(":")[2]

    @property
    def has_photo(self) -> bool:
        """Whether there is a photo."""
        return self.draw.has_photo


def recipe_at(config: SampleConfig, index: int) -> SampleRecipe:
    """Return recipe `index`: a pure function of the seed, the index and the difficulty.

    Parameters
    ----------
    config
        The world; `config.recipes` does not matter, so a grown world keeps its recipes.
    index
        Which recipe, from 0; even ones are Korean, odd ones English.

    Returns
    -------
    SampleRecipe
        The same at every call.
    """
    draw = draw_recipe(config, index)
    world = world_of(config)
    words = random_stream(config, draw.origin, "words")
    habits = habits_of(config, draw.origin)
    title = write_title(world, draw, words, habits)
    ingredients = write_ingredients(draw, words, habits) if draw.has_ingredients else ()
    steps = (
        write_steps(world, draw, words, habits, config.difficulty.asides) if draw.has_steps else ()
    )
    page = random_stream(config, index, "page")
    if draw.origin != index and page.random() < 0.5:  # every second copy is only nearly one
        title, steps = f"{title} 2" if draw.language == "en" else f"{title}!", steps[:-1]
    cook = cook_of(config, index)
    return SampleRecipe(
        index=index,
        recipe_id=recipe_id_at(config, index),
        language=draw.language,
        dish=world.dishes[draw.dish].key,
        title=title,
        ingredients=ingredients,
        steps=steps,
        draw=draw,
        servings=_maybe(page.random(), int(page.integers(1, 7))),
        minutes=_maybe(page.random(), MINUTES[int(page.integers(len(MINUTES)))]),
        level=_maybe(page.random(), LEVELS[int(page.integers(len(LEVELS)))]),
        author=f"{_COOKS[cook % len(_COOKS)]}{cook // len(_COOKS) or ''}",
        author_uid=f"cook{cook:03d}" if cook % 3 else str(51_000_000 + cook),
        published=published_at(index),
    )


def recipe_id_at(config: SampleConfig, index: int) -> str:
    """Return the product's id of a recipe without making the recipe.

    Parameters
    ----------
    config
        Gives the seed.
    index
        Which recipe.

    Returns
    -------
    str
        ``10k:`` and 7 digits that grow with the index, or ``r1m:`` and 10 hex digits.
    """
    if index % 2 == 0:
        return f"10k:{site_id_at(index // 2)}"
    return f"r1m:{hex_digest(config.seed, index, 'recipe')[:10]}"


def site_id_at(position: int) -> int:
    """Return the site's id of its recipe number `position`; ids grow and leave gaps."""
    return _FIRST_SITE_ID + position * _SITE_ID_STRIDE + position * position % _SITE_ID_STRIDE


def position_of_site_id(site_id: int) -> int | None:
    """Return the position that `site_id_at` maps to `site_id`; None for a gap."""
    position = max(0, (site_id - _FIRST_SITE_ID) // _SITE_ID_STRIDE)
    return position if site_id_at(position) == site_id else None


def published_at(index: int) -> datetime:
    """Return when a recipe was published: ever denser in time, never reaching today."""
    position = index // 2
    days = _SPAN_DAYS * position / (position + _HALF_POSITION)
    return _OPENED + timedelta(seconds=round(days * 86_400))


def hex_digest(seed: int, index: int, purpose: str) -> str:
    """Return 64 hex digits that follow from the seed, a recipe's index and a purpose."""
    return hashlib.sha256(f"{seed}/{index}/{purpose}".encode()).hexdigest()


def _maybe(luck: float, value: _T) -> _T | None:
    return None if luck < 0.08 else value
