"""A photo into a fixed vector: which colours lie where, edges by direction, fine texture.

Classical descriptors, each a few lines of numpy on a small square version of the photo. Food
lies in the middle of its photo and table and plate around it, so most are taken in soft rings
around the centre: colour histograms (with the light evened out, and in HSV), mean and spread of
colour, histograms of gradient directions and strengths, local binary patterns at two scales; and
a thumbnail of the middle. Each block is brought to length 1 (histograms after a square root) and
weighs the same.

Nothing is learned and nothing fetched: this is what any machine can compute in about two
milliseconds a photo. It knows colour and texture, not objects. On 1,200 photos of the sample world
(60 dishes, 30 % held out) a linear classifier on these numbers names the dish in about three
quarters of the cases; the same descriptors on a plain grid instead of rings reached 41 %.
"""

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from mmpipeline.arrays import Float32Array, Float64Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.features.encoders.card import EncoderCard

CARD = EncoderCard(
    name="descriptors",
    version="1",
    reads=("image",),
    dim=617,
    weights_sha256=None,
    licence="MIT",
    languages=(),
    extra=None,
    per_cpu_s=220,
    about="Colour, gradient and texture histograms around the centre; nothing learned.",
)

_RING_RADII = (0.10, 0.22, 0.34, 0.50)  # of the photo's edge, from the centre
_INNER = 2
_LEVELS = 5
_HUES, _SATURATIONS, _VALUES = 8, 3, 3
_DIRECTIONS, _STRENGTHS = 9, 8
_PATTERNS = 10
_THUMBNAIL = 6
_THUMBNAIL_MARGIN = 0.22


class ImageEncoder:
    """Encodes a photo by its colours, edges and texture around the centre.

    Parameters
    ----------
    size_px
        Edge of the square that a photo is scaled to; its aspect ratio is given up.
    """

    name = CARD.name
    version = CARD.version

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self.min_edge_px = 2 * size_px
        rings = len(_RING_RADII)
        self.dim = (
            _INNER * (_LEVELS**3 + _HUES * _SATURATIONS * _VALUES)
            + 2 * 3 * rings
            + (rings - 1) * (_DIRECTIONS + _STRENGTHS)
            + 2 * _INNER * _PATTERNS
            + 3 * _THUMBNAIL**2
        )

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/{self.size_px}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, photo: Image.Image) -> Float32Array:
        """Encode one upright photo.

        Parameters
        ----------
        photo
            Mode RGB, any size.

        Returns
        -------
        numpy.ndarray
            Shape (dim,), finite, of length 1 (a photo of one colour has empty edge blocks and
            stays a little shorter).
        """
        edge = self.size_px
        square = photo.resize((edge, edge), Image.Resampling.BILINEAR, reducing_gap=2.0)
        half = square.reduce(2)  # for colours; it also evens out noise
        smooth = square.convert("L").filter(ImageFilter.MedianFilter(3))
        blocks = [
            *_even_light_histograms(half),
            *_hsv_histograms(half),
            *_colour_moments(half),
            *_gradient_histograms(smooth),
            *_pattern_histograms(half),
            *_pattern_histograms(square.reduce(3)),
            _thumbnail(half),
        ]
        scale = np.float32(1 / np.sqrt(len(blocks)))
        return np.concatenate([_unit(block) * scale for block in blocks])


def build(config: FeatureConfig) -> ImageEncoder:
    """Return the encoder that a config asks for."""
    return ImageEncoder(config.image_size_px)


@lru_cache(maxsize=16)
def _rings(edge: int) -> Float32Array:
    """Return how much each pixel of a square belongs to each ring: shape (rings, edge * edge).

    A pixel between two radii is shared between them, so that a shift of the photo by a pixel
    changes little.
    """
    position = (np.arange(edge) + 0.5) / edge - 0.5
    distance = np.hypot(position[:, None], position).ravel()
    numbers = np.interp(distance, _RING_RADII, np.arange(len(_RING_RADII)))
    shares = 1 - np.abs(numbers - np.arange(len(_RING_RADII))[:, None])
    rings: Float32Array = np.clip(shares, 0, 1).astype(np.float32)
    return rings


def _even_light_histograms(half: Image.Image) -> list[Float32Array]:
    """Return a joint colour histogram of each inner ring, the middle brought to one brightness.

    A pixel is shared between the eight bins around its colour, so that a little more light does
    not move it from one bin to the next at once.
    """
    rings = _rings(half.width)[:_INNER]
    channels = _channels(half)
    middle = rings.sum(axis=0)
    light = float((middle * channels).sum() / (3 * middle.sum()))
    places = np.clip(channels * np.float32(0.45 / max(light, 1e-3)), 0, 1) * np.float32(_LEVELS - 1)
    lower = np.minimum(places.astype(np.int32), _LEVELS - 2)
    above = places - lower
    shares = np.stack([1 - above, above])
    first = (lower[0] * _LEVELS + lower[1]) * _LEVELS + lower[2]
    histograms = np.zeros((_INNER, _LEVELS**3))
    for red, green, blue in np.ndindex(2, 2, 2):
        weight = shares[red, 0] * shares[green, 1] * shares[blue, 2]
        bins = first + ((red * _LEVELS + green) * _LEVELS + blue)
        histograms += _ring_histograms(bins, rings * weight, _LEVELS**3)
    return _roots(histograms)


def _hsv_histograms(half: Image.Image) -> list[Float32Array]:
    """Return a joint histogram of hue, saturation and value of each inner ring."""
    hsv = np.asarray(half.convert("HSV")).reshape(-1, 3).T.astype(np.int32)
    hue, saturation, value = (
        channel * levels >> 8
        for channel, levels in zip(hsv, (_HUES, _SATURATIONS, _VALUES), strict=True)
    )
    bins = (hue * _SATURATIONS + saturation) * _VALUES + value
    rings = _rings(half.width)[:_INNER]
    return _roots(_ring_histograms(bins, rings, _HUES * _SATURATIONS * _VALUES))


def _colour_moments(half: Image.Image) -> list[Float32Array]:
    """Return mean and standard deviation of each colour channel in each ring."""
    channels = _channels(half)
    rings = _rings(half.width)
    rings = rings / rings.sum(axis=1, keepdims=True)
    mean = np.stack([(ring * channels).sum(axis=1) for ring in rings])
    square = np.stack([(ring * np.square(channels)).sum(axis=1) for ring in rings])
    return [mean.ravel(), np.sqrt(np.maximum(square - np.square(mean), 0)).ravel()]


def _gradient_histograms(smooth: Image.Image) -> list[Float32Array]:
    """Return edge strength by direction (0 to 180 degrees), and counts by strength, by ring."""
    grey = _grey(smooth)
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    strength = np.sqrt(down * down + right * right).ravel()
    turn = (np.arctan2(down, right) * (_DIRECTIONS / np.pi) % _DIRECTIONS).ravel()
    lower = turn.astype(np.int32) % _DIRECTIONS
    share = turn - np.floor(turn)  # split between the two nearest directions
    rings = _rings(smooth.width)[:-1]
    by_direction = _ring_histograms(lower, rings * (strength * (1 - share)), _DIRECTIONS)
    upper = (lower + 1) % _DIRECTIONS
    by_direction += _ring_histograms(upper, rings * (strength * share), _DIRECTIONS)
    steps = np.minimum(strength * 12, _STRENGTHS - 1).astype(np.int32)
    return _roots(by_direction) + _roots(_ring_histograms(steps, rings, _STRENGTHS))


def _pattern_histograms(small: Image.Image) -> list[Float32Array]:
    """Return uniform, rotation-invariant local binary patterns by ring (0-8; 9: any other)."""
    grey = _grey(small)
    edge = grey.shape[0] - 2
    threshold = grey[1:-1, 1:-1] + np.float32(4 / 255)
    around = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    bits = np.stack([grey[y : y + edge, x : x + edge] >= threshold for y, x in around])
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    patterns = np.where(changes <= 2, bits.sum(axis=0), _PATTERNS - 1).ravel()
    return _roots(_ring_histograms(patterns, _rings(edge)[:_INNER], _PATTERNS))


def _thumbnail(half: Image.Image) -> Float32Array:
    """Return the middle, very small, as brightness and two opponent colours."""
    margin = round(half.width * _THUMBNAIL_MARGIN)
    box = (margin, margin, half.width - margin, half.width - margin)
    cells = half.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX, box=box)
    red, green, blue = _channels(cells)
    brightness = (red + green + blue) / 3
    planes = [brightness - brightness.mean(), red - green, (red + green) / 2 - blue]
    return np.concatenate([plane.ravel() for plane in planes])


def _channels(image: Image.Image) -> Float32Array:
    """Return the colours of all pixels, 0 to 1: shape (3, pixels)."""
    rows = np.asarray(image).reshape(-1, 3)
    return np.ascontiguousarray(rows.T).astype(np.float32) / np.float32(255)


def _grey(image: Image.Image) -> Float32Array:
    """Return the brightness of all pixels, 0 to 1: shape (height, width)."""
    return np.asarray(image.convert("L")).astype(np.float32) / np.float32(255)


def _ring_histograms(
    bins: npt.NDArray[np.integer], weights: npt.NDArray[np.floating], size: int
) -> Float64Array:
    return np.stack([np.bincount(bins, ring, size) for ring in weights])


def _roots(histograms: Float64Array) -> list[Float32Array]:
    """Square-root histograms, so that a large plain area does not outweigh all else."""
    return list(np.sqrt(histograms).astype(np.float32))


def _unit(block: Float32Array) -> Float32Array:
    length = float(np.sqrt(np.square(block, dtype=np.float64).sum()))
    return block / np.float32(max(length, 1e-6))
