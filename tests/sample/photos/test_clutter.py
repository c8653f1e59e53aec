"""Clutter: as much as asked for, and where it belongs."""

import numpy as np
import pytest
from PIL import Image

from mmpipeline.sample.photos.clutter import garnish, lay_table
from mmpipeline.sample.photos.shapes import Canvas

SIZE = 128


def draw(clutter: float, seed: int, *, on_food: bool) -> np.ndarray:
    image = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
    centre = (SIZE / 2, SIZE / 2)
    canvas = Canvas(image, centre, SIZE * 0.25, (128, 128, 128), np.random.default_rng(seed))
    (garnish if on_food else lay_table)(canvas, np.random.default_rng(seed), clutter)
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("on_food", [False, True])
def test_clutter_follows_its_share(on_food: bool) -> None:
    def changed(clutter: float) -> float:
        pictures = [draw(clutter, seed, on_food=on_food) for seed in range(60)]
        return float(np.mean([(picture != 128).any() for picture in pictures]))

    assert changed(0) == 0
    assert 0 < changed(0.3) < changed(1)


def test_garnish_lies_on_the_food_alone() -> None:
    place = np.hypot(*(np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2))
    pictures = [draw(1, seed, on_food=True) for seed in range(20)]
    assert not any((picture[place > SIZE * 0.25] != 128).any() for picture in pictures)


def test_the_same_setting_lays_the_same_table() -> None:
    assert np.array_equal(draw(1, 3, on_food=False), draw(1, 3, on_food=False))
    assert not np.array_equal(draw(1, 3, on_food=False), draw(1, 4, on_food=False))
