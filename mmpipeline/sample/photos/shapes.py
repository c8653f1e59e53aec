"""Pieces of food and the canvas they are drawn on: cubes, rings, leaves, strands.

Every shape takes the canvas, a place, a size in pixels and a colour, so that `painting` can
scatter any of them over any dish.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from mmpipeline.arrays import Float64Array

Colour = tuple[int, int, int]


class Canvas:
    """A drawing with its own centre, radius and random stream.

    Parameters
    ----------
    image
        RGB, square; drawn on.
    centre
        Where the food's middle lies, in pixels.
    radius
        Radius of the vessel, later of the food, in pixels.
    base
        Main colour of the food.
    random
        Stream of the shot.
    """

    def __init__(
        self,
        image: Image.Image,
        centre: tuple[float, float],
        radius: float,
        base: Colour,
        random: np.random.Generator,
    ) -> None:
        self.image = image
        self.pen = ImageDraw.Draw(image)
        self.x, self.y = centre
        self.radius = radius
        self.base = base
        self.random = random

    def disc(self, x: float, y: float, radius: float, colour: Colour, squash: float = 1) -> None:
        """Fill a circle, or an ellipse `squash` times as tall as wide."""
        tall = radius * squash
        self.pen.ellipse((x - radius, y - tall, x + radius, y + tall), fill=colour)

    def spots(self, count: int, reach: float) -> Float64Array:
        """Return count x 2 places spread evenly over the food."""
        angle = self.random.uniform(0, 2 * np.pi, count)
        far = self.radius * reach * np.sqrt(self.random.random(count))
        return np.stack([self.x + far * np.cos(angle), self.y + far * np.sin(angle)], axis=1)


def _cube(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    half = size / 2
    canvas.pen.rectangle((x - half, y - half, x + half + 2, y + half + 2), fill=shade(colour, 0.75))
    canvas.pen.rectangle((x - half, y - half, x + half, y + half), fill=colour)


def _plain_disc(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    canvas.disc(x, y, size * 0.62, shade(colour, 0.75))
    canvas.disc(x, y, size * 0.5, colour)


def _dot(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    canvas.disc(x, y, size * 0.7, colour, 0.7)


def _yolk(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    canvas.disc(x, y, size, (248, 244, 232), 0.9)
    canvas.disc(x, y, size * 0.55, colour)


def _ring(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    width = max(2, round(size * 0.35))
    canvas.pen.ellipse((x - size, y - size, x + size, y + size), outline=colour, width=width)


def _bow(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    start = canvas.random.uniform(0, 360)
    box = (x - size, y - size, x + size, y + size)
    canvas.pen.arc(box, start, start + 150, fill=colour, width=max(2, round(size * 0.4)))


def _arc(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    start = canvas.random.uniform(0, 360)
    box = (x - size, y - size, x + size, y + size)
    canvas.pen.arc(box, start, start + 110, fill=colour, width=max(2, round(size * 0.2)))


def draw_strand(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """Draw one noodle, bent as it fell."""
    start = canvas.random.uniform(0, 360)
    box = (x - size, y - size * 0.7, x + size, y + size * 0.7)
    width = max(2, round(canvas.radius * 0.045))
    canvas.pen.arc(box, start, start + 200, fill=shade(colour, 0.8), width=width + 2)
    canvas.pen.arc(box, start, start + 200, fill=colour, width=width)


def _sliver(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    angle = canvas.random.uniform(0, np.pi)
    dx, dy = size * np.cos(angle), size * np.sin(angle)
    canvas.pen.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=max(2, round(size * 0.3)))


def _capsule(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    angle = canvas.random.uniform(0, np.pi)
    dx, dy, width = size * np.cos(angle), size * np.sin(angle), max(3, round(size * 0.55))
    canvas.pen.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=width)
    canvas.disc(x - dx, y - dy, width / 2, colour)
    canvas.disc(x + dx, y + dy, width / 2, colour)


def _leaf(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    angle = canvas.random.uniform(0, 2 * np.pi)
    corners = size * np.array([[1, 0], [0.2, 0.5], [-0.9, 0.25], [-1, -0.2], [0.1, -0.45]])
    canvas.pen.polygon(_turned(corners, angle, x, y), fill=colour)
    canvas.pen.line(_turned(corners[[0, 3]] * 0.8, angle, x, y), fill=shade(colour, 1.25), width=2)


def _slice(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    angle = canvas.random.uniform(0, 2 * np.pi)
    corners = size * np.array([[-1, -0.45], [0.9, -0.5], [1, 0.4], [-0.85, 0.5]])
    canvas.pen.polygon(_turned(corners, angle, x, y + 3), fill=shade(colour, 0.7))
    canvas.pen.polygon(_turned(corners, angle, x, y), fill=colour)


def draw_chunk(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """Draw an irregular chunk with its shadow."""
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False) + canvas.random.uniform(0, 1)
    far = size * canvas.random.uniform(0.65, 1.05, 7)
    corners = np.stack([far * np.cos(angles), far * np.sin(angles)], axis=1)
    canvas.pen.polygon(_turned(corners, 0, x, y + size * 0.15), fill=shade(colour, 0.65))
    canvas.pen.polygon(_turned(corners, 0, x, y), fill=colour)


def _turned(corners: Float64Array, angle: float, x: float, y: float) -> list[tuple[float, float]]:
    cosine, sine = np.cos(angle), np.sin(angle)
    placed = corners @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return [(float(px), float(py)) for px, py in placed]


def pick_colour(random: np.random.Generator, options: tuple[Colour, ...]) -> Colour:
    """Choose one of some colours."""
    return options[int(random.integers(len(options)))]


def vary(random: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """Return a colour near `colour`: each channel off by a normal draw of `spread`."""
    red, green, blue = random.normal(0, spread, 3)
    return _clip(colour[0] + red), _clip(colour[1] + green), _clip(colour[2] + blue)


def shade(colour: Colour, factor: float) -> Colour:
    """Return a darker (`factor` below 1) or lighter colour."""
    return _clip(colour[0] * factor), _clip(colour[1] * factor), _clip(colour[2] * factor)


def to_colour(values: Float64Array) -> Colour:
    """Return three values in 0..1 as a colour; what lies outside is clipped."""
    return _clip(values[0] * 255), _clip(values[1] * 255), _clip(values[2] * 255)


def _clip(value: float) -> int:
    return min(255, max(0, round(float(value))))


SHAPES: dict[str, Callable[[Canvas, float, float, float, Colour], None]] = {
    "cube": _cube, "disc": _plain_disc, "dot": _dot, "yolk": _yolk, "ring": _ring,
    "crescent": _bow, "arc": _arc, "strand": draw_strand, "sliver": _sliver, "capsule": _capsule,
    "leaf": _leaf, "slice": _slice, "chunk": draw_chunk,
}  # fmt: skip
