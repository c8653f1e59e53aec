import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from mmpipeline.features.encoders.descriptors import ImageEncoder

COLOURS = 2 * 125 + 2 * 72 + 2 * 12  # length of the colour blocks, which come first


def draw(seed: int, size: tuple[int, int] = (120, 90)) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 255, (4, 5, 3), dtype=np.uint8)).resize(size)


@pytest.mark.parametrize("size", [32, 96, 97])
def test_shape_and_length(size: int) -> None:
    encoder = ImageEncoder(size)
    vector = encoder.encode(draw(1))
    assert vector.shape == (encoder.dim,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert 500 <= encoder.dim <= 800


@pytest.mark.parametrize("colour", ["black", "white", "red", "grey"])
def test_plain_photo_is_finite(colour: str) -> None:
    vector = ImageEncoder(96).encode(Image.new("RGB", (50, 50), colour))
    assert np.isfinite(vector).all()
    assert 0 < np.linalg.norm(vector) <= 1 + 1e-6


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (2000, 3)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    assert np.isfinite(ImageEncoder(96).encode(Image.new("RGB", size, "red"))).all()


def test_light_and_size_matter_less_than_content() -> None:
    encoder = ImageEncoder(96)
    original = encoder.encode(draw(1))
    changed = encoder.encode(ImageEnhance.Brightness(draw(1, (300, 200))).enhance(0.85))
    others = max(float(original @ encoder.encode(draw(seed))) for seed in range(2, 8))
    assert float(original @ changed) > others


def test_mirrored_photo_has_the_same_rings_and_another_thumbnail() -> None:
    encoder = ImageEncoder(96)
    photo = draw(3)
    mirrored = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    one, two = encoder.encode(photo), encoder.encode(mirrored)
    np.testing.assert_allclose(one[:COLOURS], two[:COLOURS], atol=0.01)
    assert not np.allclose(one[-108:], two[-108:], atol=0.02)


def test_table_around_the_food_matters_less_than_the_food() -> None:
    def serve(food: str, table: str) -> np.ndarray:
        photo = Image.new("RGB", (128, 128), table)
        ImageDraw.Draw(photo).ellipse((34, 34, 94, 94), fill=food)
        return ImageEncoder(96).encode(photo)

    same_food = serve("orangered", "wheat") @ serve("orangered", "slategrey")
    same_table = serve("orangered", "wheat") @ serve("seagreen", "wheat")
    assert same_food > same_table


@pytest.mark.parametrize(("turn", "direction"), [(False, 0), (True, 4)])
def test_edges_fall_into_the_bin_of_their_direction(turn: bool, direction: int) -> None:
    stripes = np.zeros((96, 96, 3), dtype=np.uint8)
    stripes[:, (np.arange(96) // 4) % 2 == 0] = 255  # the brightness changes from left to right
    photo = Image.fromarray(stripes)
    if turn:  # 90 degrees lie half in bin 4, half in bin 5
        photo = photo.transpose(Image.Transpose.ROTATE_90)
    directions = ImageEncoder(96).encode(photo)[COLOURS : COLOURS + 27].reshape(3, 9)
    assert (directions.argmax(axis=1) == direction).all()


def test_fingerprint_follows_the_size() -> None:
    assert ImageEncoder(96).fingerprint() != ImageEncoder(64).fingerprint()
