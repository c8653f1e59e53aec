"""The photo files of the sample world: drawn scenes as JPEG, some of them turned by an EXIF tag.

The bytes follow from the config, the recipe and the shot, so that a file can be served, written
or hashed again at any time and nothing is kept. Pillow's own JPEG encoder decides the bytes:
another build of it may give other ones.
"""

import io

import numpy as np
from PIL import Image

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.photos.painting import Scene, paint
from mmpipeline.sample.world.draws import RecipeDraw, random_stream
from mmpipeline.sample.world.habits import habits_of, setting_stream

EXIF_CHANCE = 0.06
_GREY_CHANCE = 0.01
_ORIENTATION_TAG = 0x0112
_STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels must be stored so that a viewer who obeys the tag sees them upright."""


def photo_at(config: SampleConfig, draw: RecipeDraw, shot: int = 0) -> bytes:
    """Draw one photo of a recipe.

    Parameters
    ----------
    config
        The world.
    draw
        The recipe's latents; a copied recipe has the very photo of its origin.
    shot
        0 for the main photo; others show the same food in another light and crop.

    Returns
    -------
    bytes
        A JPEG file of `config.photo_size_px` on each edge.
    """
    random = np.random.default_rng([config.seed, draw.origin, 8, shot])
    file = random_stream(config, draw.origin * 16 + shot, "file")
    scene = Scene(
        form=draw.form,
        vessel=draw.vessel,
        base=draw.base,
        amounts=draw.amounts,
        jitter=config.difficulty.photo_jitter,
        noise=config.difficulty.photo_noise,
        clutter=config.difficulty.clutter,
    )
    setting = setting_stream(config, habits_of(config, draw.origin), random)
    image = paint(config.photo_size_px, scene, random, setting)
    exif = Image.Exif()
    if file.random() < EXIF_CHANCE:
        tag = list(_STORED_AS)[int(file.integers(len(_STORED_AS)))]
        exif[_ORIENTATION_TAG] = tag
        image = image.transpose(_STORED_AS[tag])
    if file.random() < _GREY_CHANCE:
        image = image.convert("L")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(file.integers(78, 93)), exif=exif)
    return out.getvalue()


def shrink_photo(photo: bytes, size: int) -> bytes:
    """Return a smaller JPEG of a photo, upright, as list pages show it.

    Parameters
    ----------
    photo
        A JPEG file.
    size
        Longest edge in pixels.

    Returns
    -------
    bytes
        A JPEG file.
    """
    with Image.open(io.BytesIO(photo)) as image:
        image.thumbnail((size, size))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=80, exif=image.getexif())
    return out.getvalue()
