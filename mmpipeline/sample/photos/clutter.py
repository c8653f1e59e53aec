"""Clutter around and on the food that says nothing about the dish: cloths, side dishes, garnish.

All of it follows from the shot alone. It moves the colours and edges of a whole photo, so that
photos of one dish are far apart before anything is learned; what it costs a learner is to find out
which of the numbers it must not look at.
"""

import numpy as np

from mmpipeline.sample.photos.shapes import Canvas, Colour, pick_colour, shade, to_colour, vary

TABLES: tuple[Colour, ...] = (
    (176, 138, 98), (122, 84, 56), (226, 222, 214), (92, 96, 102), (52, 50, 54), (188, 200, 204),
    (214, 188, 150), (236, 232, 224),
)  # fmt: skip
WARES: tuple[Colour, ...] = (
    (245, 243, 238), (232, 226, 212), (238, 238, 240), (226, 230, 230), (214, 204, 188),
)  # fmt: skip
_SPRINKLES: tuple[Colour, ...] = (
    (46, 92, 38), (30, 28, 26), (238, 226, 190), (250, 248, 240), (168, 44, 26),
)  # fmt: skip
_CORNERS = ((0.04, 0.04), (0.04, 0.96), (0.96, 0.04), (0.96, 0.96))
_SPRINKLE_CHANCE, _MOST_SPRINKLES = 0.8, 60


def lay_table(canvas: Canvas, setting: np.random.Generator, clutter: float) -> None:
    """Lay a cloth, side dishes and cutlery beside the dish.

    Parameters
    ----------
    canvas
        An empty table, with the place of the dish.
    setting
        Stream of the table.
    clutter
        0..1, how likely each thing is there.
    """
    if setting.random() < clutter:
        _draw_cloth(canvas, setting)
    for corner in _CORNERS:
        if setting.random() < 0.5 * clutter:
            _draw_side_dish(canvas, setting, corner)
    if setting.random() < 0.7 * clutter:
        _draw_chopsticks(canvas, setting)


def garnish(canvas: Canvas, setting: np.random.Generator, clutter: float) -> None:
    """Sprinkle the finished food with herbs, pepper or seeds, whatever it is.

    Parameters
    ----------
    canvas
        With the food on it.
    setting
        Stream of the table.
    clutter
        0..1, how likely.
    """
    if setting.random() >= _SPRINKLE_CHANCE * clutter:
        return
    tone = vary(setting, pick_colour(setting, _SPRINKLES), 12)
    for x, y in canvas.spots(int(setting.integers(8, _MOST_SPRINKLES)), 0.9):
        canvas.disc(x, y, canvas.radius * 0.035, tone)


def _draw_cloth(canvas: Canvas, random: np.random.Generator) -> None:
    """Draw stripes, or checks where a second set crosses the first."""
    size = canvas.image.width
    tone = to_colour(random.uniform(0.1, 0.95, 3))
    step = size * random.uniform(0.06, 0.2)
    width = max(2, round(step * random.uniform(0.2, 0.6)))
    ways = ((True,), (False,), (True, False))[int(random.integers(3))]
    for place in np.arange(step / 2, size, step):
        for is_upright in ways:
            line = (place, 0, place, size) if is_upright else (0, place, size, place)
            canvas.pen.line(line, fill=tone, width=width)


def _draw_side_dish(
    canvas: Canvas, random: np.random.Generator, corner: tuple[float, float]
) -> None:
    size = canvas.image.width
    x, y = size * corner[0], size * corner[1]
    canvas.disc(x, y, size * 0.2, vary(random, pick_colour(random, WARES), 8))
    filling = to_colour(random.uniform(0.15, 0.9, 3))
    canvas.disc(x, y, size * 0.15, filling)
    for far in random.uniform(-0.1, 0.1, (6, 2)):
        canvas.disc(x + size * far[0], y + size * far[1], size * 0.02, shade(filling, 0.7))


def _draw_chopsticks(canvas: Canvas, random: np.random.Generator) -> None:
    size = canvas.image.width
    edge, slope = size * random.uniform(0.85, 1.0), size * random.uniform(-0.1, 0.1)
    wood = vary(random, (150, 110, 70), 30)
    for step in (0, size // 28):
        canvas.pen.line((edge + step, 0, edge + step + slope, size), fill=wood, width=size // 50)
