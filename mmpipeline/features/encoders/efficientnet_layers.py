"""A photo through the layers of EfficientNet-Lite0: what each depth sees in the middle, on average.

The features before an ImageNet classifier tell kinds of objects apart; how a dish differs from its
look-alike (colour, grain, what lies on top) is told by the layers before. So the mean and the
spread of every channel are taken after six of the blocks, over the middle of the photo, each of
length 1. At 160 pixels, and without the last and widest layers, it costs half of
`efficientnet_lite0`, whose weights it shares.

References
----------
Tan and Le 2019, as in `efficientnet_lite0`; mean and spread of inner layers as a description of
texture: Huang and Belongie 2017, Arbitrary Style Transfer in Real-time with Adaptive Instance
Normalization, equation 5.
"""

import hashlib
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from mmpipeline.arrays import Float32Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.features.encoders.efficientnet import CARD as WHOLE
from mmpipeline.features.encoders.efficientnet import find_weights, load_layers
from mmpipeline.features.encoders.single_thread import one_thread

BLOCKS = (0, 2, 4, 7, 10, 14)
CHANNELS = (16, 24, 40, 80, 112, 192)
SIZE_PX = 160
MARGIN = 5  # a fifth of the edge is left out at every side
CARD = replace(
    WHOLE,
    name="efficientnet-lite0-layers",
    dim=2 * sum(CHANNELS),
    per_cpu_s=75,
    about="Mean and spread of six inner layers: colour, grain and parts rather than objects.",
)


class EfficientNetLayers:
    """Encodes a photo by the inner layers of an ImageNet classifier.

    Raises
    ------
    ConfigError
        If the weights are not installed, or are other ones.
    """

    name = CARD.name
    version = CARD.version
    dim = CARD.dim
    min_edge_px = SIZE_PX

    def __init__(self) -> None:
        self._layers = load_layers(find_weights())[: BLOCKS[-1] + 2]  # the stem comes first

    def fingerprint(self) -> str:
        """Return 16 hex digits that change whenever the vectors would."""
        content = f"{self.name}/{self.version}/{CARD.weights_sha256}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, photo: Image.Image) -> Float32Array:
        """Encode one upright photo.

        Parameters
        ----------
        photo
            Mode RGB, any size; its aspect ratio is given up, so that nothing is cut off.

        Returns
        -------
        numpy.ndarray
            Shape (928,), of length 1.
        """
        square = photo.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = (np.asarray(square, dtype=np.float32) - np.float32(127)) / np.float32(128)
        parts = []
        with one_thread(), torch.inference_mode():
            features = torch.from_numpy(pixels).permute(2, 0, 1)[None]  # channels last in memory
            for number, layer in enumerate(self._layers):
                features = layer(features)
                if number - 1 in BLOCKS:
                    edge = features.shape[-1] // MARGIN
                    middle = features[..., edge:-edge, edge:-edge].flatten(2)
                    parts += [middle.mean(dim=2), middle.std(dim=2, correction=0)]
            units = [torch.nn.functional.normalize(part[0], dim=0) for part in parts]
            vector: Float32Array = torch.cat(units).numpy()
        return vector / np.float32(np.sqrt(len(parts)))


def build(config: FeatureConfig) -> EfficientNetLayers:
    """Return the encoder; one for all who ask."""
    del config
    return _build_once()


@lru_cache(maxsize=1)
def _build_once() -> EfficientNetLayers:
    return EfficientNetLayers()
