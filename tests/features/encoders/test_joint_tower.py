from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoder_set import EncoderSet

pytest.importorskip("transformers", reason="pip install 'mmpipeline[hub]' to test it")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def config(folder: Path | str | None) -> FeatureConfig:
    return FeatureConfig(
        image_encoders=("joint-tower",),
        text_encoders=("joint-tower",),
        joint_model=None if folder is None else str(folder),
    )


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_photos_and_texts_lie_in_the_models_space(tmp_path: Path, kind: str) -> None:
    from transformers import AutoModel

    from tests.features import tiny_models

    folder = getattr(tiny_models, f"write_{kind}")(tmp_path / kind)
    encoders = EncoderSet.build(config(folder))
    noise = np.random.default_rng(3).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    photo = encoders.image.encode(Image.fromarray(noise))
    texts = encoders.text.encode(["tofu stew", "김치"])
    assert encoders.image.dim == encoders.text.dim == len(photo) == texts.shape[1]
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert np.array_equal(texts[1:], encoders.text.encode(["김치"]))
    assert encoders.image.fingerprint() != encoders.text.fingerprint()
    model = AutoModel.from_pretrained(folder).eval()
    ids = torch.tensor([[2, 4, 6, 3] + [0] * 12])
    options = {} if kind == "siglip" else {"attention_mask": (ids != 0).long()}
    with torch.inference_mode():
        expected = model.get_text_features(input_ids=ids, **options).pooler_output[0]
    if kind == "clip":
        np.testing.assert_allclose(texts[0], expected / expected.norm(), atol=1e-5)


def test_a_query_opens_the_same_towers_again(tmp_path: Path) -> None:
    from tests.features.tiny_models import write_clip

    folder = write_clip(tmp_path / "clip")
    encoders = EncoderSet.build(config(folder))
    encoders.write(tmp_path)
    assert EncoderSet.open(tmp_path / "encoders.json").describe() == encoders.describe()


def test_what_has_no_two_towers_is_told(tmp_path: Path) -> None:
    from tests.features.tiny_models import write_bert

    with pytest.raises(ConfigError, match=r"needs features\.joint_model"):
        EncoderSet.build(config(None))
    with pytest.raises(ConfigError, match=r"cannot be loaded|is a BertModel"):
        EncoderSet.build(config(write_bert(tmp_path / "bert")))
