"""Pictures of dishes from above: a table, a vessel, the food in its form, pieces on top.

Everything is drawn at twice the final size with Pillow and halved, which smooths the edges;
light, colour cast and noise are applied by numpy to the whole picture at once. A photo of 128
pixels takes a few milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mmpipeline.arrays import Float64Array
from mmpipeline.sample.photos.clutter import TABLES, WARES, garnish, lay_table
from mmpipeline.sample.photos.shapes import (
    SHAPES,
    Canvas,
    draw_chunk,
    draw_strand,
    pick_colour,
    shade,
    to_colour,
    vary,
)
from mmpipeline.sample.world.densities import FORMS, MAX_PIECES, UNSEEN, VESSELS
from mmpipeline.sample.world.dishes import ComponentSpec, load_pantry


@dataclass(frozen=True)
class Scene:
    """What is in a picture: the drawn latents of the recipe, and nuisance of the one shot.

    Attributes
    ----------
    form, vessel
        Rows of `FORMS` and `VESSELS`.
    base
        Main colour, 3 values around 0..1 (clipped when drawn).
    amounts
        K amounts of the components; negative means none.
    jitter
        0..1, spread of light, crop and colour cast.
    noise
        Standard deviation of the pixel noise, share of full scale.
    clutter
        0..1, how much lies around and on the food that says nothing about it.
    """

    form: int
    vessel: int
    base: Float64Array
    amounts: Float64Array
    jitter: float
    noise: float
    clutter: float


def paint(
    size: int, scene: Scene, random: np.random.Generator, setting: np.random.Generator
) -> Image.Image:
    """Draw one photo.

    Parameters
    ----------
    size
        Edge length in pixels.
    scene
        What is to be seen.
    random
        Stream of the shot: places, noise.
    setting
        Stream of table, ware and light.

    Returns
    -------
    PIL.Image.Image
        RGB, `size` x `size`.
    """
    canvas = _set_table(2 * size, scene, random, setting)
    lay_table(canvas, setting, scene.clutter)
    reach = _VESSEL_PAINTERS[scene.vessel](canvas, setting)
    canvas.radius *= reach
    _FORM_PAINTERS[scene.form](canvas)
    _scatter(canvas, scene.amounts)
    garnish(canvas, setting, scene.clutter)
    return _develop(canvas.image.reduce(2), scene, random, setting)


def _set_table(
    size: int, scene: Scene, random: np.random.Generator, setting: np.random.Generator
) -> Canvas:
    """Return an empty table, with the place and the size that this shot gives the dish."""
    image = Image.new("RGB", (size, size), vary(setting, pick_colour(setting, TABLES), 14))
    shift = np.clip(random.normal(0, 0.12 * scene.jitter, 2), -0.16, 0.16)
    zoom = float(np.clip(random.normal(0, 0.2 * scene.jitter), -0.3, 0.3))
    centre = (size * (0.5 + float(shift[0])), size * (0.5 + float(shift[1])))
    return Canvas(image, centre, size * 0.47 * float(np.exp(zoom)), to_colour(scene.base), random)


def _pot(canvas: Canvas, setting: np.random.Generator) -> float:
    dark = vary(setting, (52, 44, 42), 8)
    canvas.disc(canvas.x, canvas.y, canvas.radius, dark)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.88, (30, 26, 25))
    return 0.86


def _bowl(canvas: Canvas, setting: np.random.Generator) -> float:
    ware = vary(setting, pick_colour(setting, WARES), 8)
    canvas.disc(canvas.x, canvas.y, canvas.radius, ware)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.9, shade(ware, 0.85))
    return 0.86


def _plate(canvas: Canvas, setting: np.random.Generator) -> float:
    ware = vary(setting, pick_colour(setting, WARES), 8)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 1.08, ware)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.92, shade(ware, 0.94))
    return 0.9


def _pan(canvas: Canvas, setting: np.random.Generator) -> float:
    steel = vary(setting, (70, 70, 74), 14)
    size = canvas.image.width
    way = 1 if canvas.random.random() < 0.5 else -1
    canvas.pen.line(
        (canvas.x, canvas.y, canvas.x + way * size, canvas.y + size * 0.1),
        fill=steel,
        width=size // 11,
    )
    canvas.disc(canvas.x, canvas.y, canvas.radius * 1.04, steel)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.95, shade(steel, 0.6))
    return 0.9


def _dish(canvas: Canvas, setting: np.random.Generator) -> float:
    ware = vary(setting, pick_colour(setting, WARES), 8)
    edge = canvas.radius * 0.98
    box = (canvas.x - edge, canvas.y - edge * 0.86, canvas.x + edge, canvas.y + edge * 0.86)
    canvas.pen.rounded_rectangle(box, radius=edge * 0.3, fill=ware)
    return 0.84


def _soup(canvas: Canvas) -> None:
    canvas.disc(canvas.x, canvas.y, canvas.radius, canvas.base)
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.8, shade(canvas.base, 1.06))
    _fat_eyes(canvas, 8)


def _mound(canvas: Canvas) -> None:
    for x, y in canvas.spots(14, 0.55):
        canvas.disc(x, y, canvas.radius * 0.42, vary(canvas.random, canvas.base, 12), 0.9)
    for x, y in canvas.spots(40, 0.85):
        canvas.disc(x, y, canvas.radius * 0.06, vary(canvas.random, canvas.base, 26))


def _disc_form(canvas: Canvas) -> None:
    canvas.disc(canvas.x, canvas.y, canvas.radius, shade(canvas.base, 0.72))
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.93, canvas.base)
    for x, y in canvas.spots(16, 0.8):
        canvas.disc(x, y, canvas.radius * 0.1, vary(canvas.random, shade(canvas.base, 0.88), 14))


def _rows(canvas: Canvas) -> None:
    step = canvas.radius * 0.46
    for row in (-1, 0, 1):
        for column in (-1.5, -0.5, 0.5, 1.5):
            x, y = canvas.x + column * step, canvas.y + row * step * 1.1
            canvas.disc(x, y, step * 0.52, vary(canvas.random, canvas.base, 10))
            canvas.disc(x, y, step * 0.34, shade(canvas.base, 1.25))


def _rings(canvas: Canvas) -> None:
    canvas.disc(canvas.x, canvas.y, canvas.radius, shade(canvas.base, 0.9))
    for ring in (0.85, 0.6, 0.35):
        for angle in np.linspace(0, 2 * np.pi, int(20 * ring), endpoint=False):
            x = canvas.x + canvas.radius * ring * np.cos(angle)
            y = canvas.y + canvas.radius * ring * np.sin(angle)
            canvas.disc(x, y, canvas.radius * 0.15, vary(canvas.random, canvas.base, 26), 0.8)


def _strands(canvas: Canvas) -> None:
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.95, shade(canvas.base, 0.8))
    for x, y in canvas.spots(36, 0.6):
        draw_strand(canvas, x, y, canvas.radius * 0.4, vary(canvas.random, canvas.base, 18))


def _chunks(canvas: Canvas) -> None:
    canvas.disc(canvas.x, canvas.y, canvas.radius * 0.9, shade(canvas.base, 0.7))
    for x, y in canvas.spots(20, 0.72):
        draw_chunk(canvas, x, y, canvas.radius * 0.26, vary(canvas.random, canvas.base, 18))


def _slices(canvas: Canvas) -> None:
    for place in np.linspace(-0.75, 0.75, 7):
        x = canvas.x + canvas.radius * place
        tone = vary(canvas.random, canvas.base, 12)
        box = (x - canvas.radius * 0.14, canvas.y - canvas.radius * 0.66)
        end = (x + canvas.radius * 0.14, canvas.y + canvas.radius * 0.66)
        canvas.pen.rounded_rectangle(
            (*box, *end), radius=canvas.radius * 0.1, fill=shade(tone, 0.7)
        )
        edge = canvas.radius * 0.04
        inner = (box[0], box[1] + edge, end[0] - 1.5 * edge, end[1] - 1.5 * edge)
        canvas.pen.rounded_rectangle(inner, radius=canvas.radius * 0.1, fill=tone)


def _fat_eyes(canvas: Canvas, count: int) -> None:
    for x, y in canvas.spots(count, 0.85):
        canvas.disc(x, y, canvas.radius * 0.04, shade(canvas.base, 1.2))


def _scatter(canvas: Canvas, amounts: Float64Array) -> None:
    """Lay the pieces of each component on the food, large ones first."""
    components = load_pantry().components
    for row in np.argsort([-component.size for component in components], kind="stable"):
        component: ComponentSpec = components[row]
        count = count_pieces(float(amounts[row]), component.pieces)
        if count <= 0:
            continue
        draw = SHAPES[component.shape]
        tone = vary(canvas.random, component.colour, 10)
        for x, y in canvas.spots(count, 0.86):
            draw(canvas, x, y, canvas.radius * component.size, tone)


def count_pieces(amount: float, pieces: int) -> int:
    """Return how many pieces of a component are drawn.

    Parameters
    ----------
    amount
        The drawn latent.
    pieces
        Of the component, at amount 1 more than at `UNSEEN`.

    Returns
    -------
    int
        0 to `MAX_PIECES`.
    """
    return min(MAX_PIECES, max(0, round((amount - UNSEEN) * pieces)))


def _develop(
    image: Image.Image, scene: Scene, random: np.random.Generator, setting: np.random.Generator
) -> Image.Image:
    """Apply light, its fall-off, a colour cast and the sensor's noise."""
    pixels = np.asarray(image, dtype=np.float32)
    size = pixels.shape[0]
    gain = np.exp(setting.normal(0, 0.3 * scene.jitter))
    cast = np.exp(setting.normal(0, 0.1 * scene.jitter, 3))
    slope = setting.normal(0, 0.4 * scene.jitter, 2)
    place = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    fall = 1 + slope[0] * place[:, None] + slope[1] * place[None, :]
    noise = random.standard_normal((size, size, 3), dtype=np.float32) * (255 * scene.noise)
    light = (gain * cast).astype(np.float32) * fall.astype(np.float32)[:, :, None]
    lit = np.clip(pixels * light + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(lit)


_VESSEL_PAINTERS: dict[int, Callable[[Canvas, np.random.Generator], float]] = {
    VESSELS.index(name): painter
    for name, painter in (
        ("pot", _pot), ("bowl", _bowl), ("plate", _plate), ("pan", _pan), ("dish", _dish),
    )
}  # fmt: skip
_FORM_PAINTERS: dict[int, Callable[[Canvas], None]] = {
    FORMS.index(name): painter
    for name, painter in (
        ("soup", _soup), ("mound", _mound), ("disc", _disc_form), ("rows", _rows),
        ("rings", _rings), ("strands", _strands), ("chunks", _chunks), ("slices", _slices),
    )
}  # fmt: skip
