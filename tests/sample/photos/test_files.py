"""Photos: JPEG files that decode, follow from their seed and obey EXIF."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from mmpipeline.config import DifficultyConfig, SampleConfig
from mmpipeline.sample.photos.files import photo_at, shrink_photo
from mmpipeline.sample.world.draws import draw_recipe

CONFIG = SampleConfig(photo_size_px=64)


def opened(photo: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(photo))
    image.load()
    return image


def test_photo_bytes_are_the_same_at_every_call() -> None:
    for index in (0, 1, 7):
        draw = draw_recipe(CONFIG, index)
        assert photo_at(CONFIG, draw) == photo_at(CONFIG, draw)
        assert photo_at(CONFIG, draw) != photo_at(CONFIG, draw, shot=1)


def test_photos_decode_to_the_asked_size() -> None:
    for index in range(40):
        image = opened(photo_at(CONFIG, draw_recipe(CONFIG, index)))
        assert image.format == "JPEG"
        assert image.size == (64, 64)
        assert np.asarray(image.convert("L")).std() > 4


def test_some_photos_carry_an_orientation() -> None:
    tags = {
        opened(photo_at(CONFIG, draw_recipe(CONFIG, index))).getexif().get(0x0112, 1)
        for index in range(150)
    }
    assert {1} < tags <= {1, 2, 3, 6, 8}
    assert len(tags) >= 3


@pytest.mark.parametrize("tag", [2, 3, 6, 8])
def test_stored_pixels_turn_upright_again(tag: int) -> None:
    from mmpipeline.sample.photos.files import _STORED_AS

    upright = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8))
    stored = upright.transpose(_STORED_AS[tag])
    stored.getexif()[0x0112] = tag
    shown = ImageOps.exif_transpose(stored)
    assert np.array_equal(np.asarray(shown), np.asarray(upright))


def test_noise_follows_the_config() -> None:
    quiet, loud = (
        CONFIG.model_copy(update={"difficulty": DifficultyConfig(photo_noise=noise)})
        for noise in (0.0, 0.3)
    )
    draw = draw_recipe(CONFIG, 0)

    def grain(config: SampleConfig) -> float:
        pixels = np.asarray(opened(photo_at(config, draw)).convert("L"), dtype=float)
        return float(np.abs(np.diff(pixels, axis=0)).mean())

    assert grain(loud) > 2 * grain(quiet)


def test_dishes_look_more_like_themselves_than_like_others() -> None:
    draws = [draw_recipe(CONFIG, index) for index in range(240)]
    dishes = np.array([draw.dish for draw in draws])
    looks = np.array([np.concatenate([draw.base * 5, draw.amounts]) for draw in draws])
    distance = np.linalg.norm(looks[:, None] - looks[None], axis=2)
    same = (dishes[:, None] == dishes[None]) & ~np.eye(len(draws), dtype=bool)
    assert distance[same].mean() < 0.8 * distance[dishes[:, None] != dishes[None]].mean()


def test_thumbnail_is_small() -> None:
    photo = photo_at(CONFIG, draw_recipe(CONFIG, 2))
    assert max(opened(shrink_photo(photo, 32)).size) == 32
