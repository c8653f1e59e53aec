"""The frame of the fake site's pages: head, scripts, photo addresses, view counts."""

from functools import lru_cache

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.world.recipes import SampleRecipe, hex_digest

_RARE_ENDINGS = (".jpg", ".png", ".JPG", ".gif", ".jpg")


def photo_path(
    config: SampleConfig,
    recipe: SampleRecipe,
    shot: int = 0,
    suffix: str = "",
    *,
    is_rare: bool = False,
) -> str:
    """Return the path of a photo: 32 hex digits and a 1, the last eight naming recipe and shot.

    Parameters
    ----------
    config
        Gives the seed.
    recipe
        The recipe.
    shot
        0 for the main photo.
    suffix
        ``_m`` for the list's thumbnail, ``_f`` for the wide one.
    is_rare
        Whether names have other endings too, and every fourth lacks the 1.

    Returns
    -------
    str
        ``/cache/recipe/YYYY/MM/DD/NAME.jpg``.
    """
    name = hex_digest(config.seed, recipe.index, f"shot{shot}")[:24]
    number = recipe.index * 16 + shot
    place = recipe.index // 2
    ending = _RARE_ENDINGS[place % 5] if is_rare else ".jpg"
    last = "" if is_rare and place % 4 == 2 else "1"
    return f"/cache/recipe/{recipe.published:%Y/%m/%d}/{name}{number:08x}{last}{suffix}{ending}"


def page_views(recipe: SampleRecipe) -> int:
    """Return how often a recipe was looked at, up to a quarter of a million."""
    return int(hex_digest(1, recipe.index, "views")[:4], 16) * (1 + recipe.index // 2 % 4)


def page_head(title: str, filler_chars: int, links: str = "") -> str:
    """Return a page up to the start of its body, with about `filler_chars` of scripts."""
    return (
        '<!DOCTYPE html>\n<html lang="ko"><head><meta charset="utf-8">\n'
        f"<title>{title}</title>\n{links}\n{_scripts(filler_chars // 1000)}</head><body>\n"
    )


@lru_cache(maxsize=256)
def _scripts(thousands: int) -> str:
    """Return about `thousands` x 1000 characters of scripts, as long pages have them."""
    line = "  if (window.fakeSlots && fakeSlots[{0}]) {{ fakeSlots[{0}].push('ad{0}'); }}\n"
    lines = "".join(line.format(number) for number in range(thousands * 1000 // 76))
    return f'<script type="text/javascript">\n{lines}</script>\n'
