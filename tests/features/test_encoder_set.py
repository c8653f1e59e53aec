import json
from pathlib import Path

import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.schemas import MODALITIES

CONFIG = FeatureConfig(
    image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64, image_size_px=48
)


def test_written_encoders_open_alike(tmp_path: Path) -> None:
    encoders = EncoderSet.build(CONFIG)
    encoders.write(tmp_path)
    opened = EncoderSet.open(tmp_path / "encoders.json")
    assert opened.config == CONFIG
    assert opened.describe() == encoders.describe()
    assert tuple(opened.dims) == MODALITIES
    assert opened.dims["title"] == 64


def test_other_encoder_version_is_refused(tmp_path: Path) -> None:
    described = EncoderSet.build(CONFIG).describe()
    described["modalities"]["title"]["fingerprint"] = "0" * 16
    (tmp_path / "encoders.json").write_text(json.dumps(described))
    with pytest.raises(ArtifactError, match="title was encoded by another version"):
        EncoderSet.open(tmp_path / "encoders.json")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"config": {"text_dim": 0}}', '{"config": {"size": 3}}']
)
def test_damaged_description_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "encoders.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"encoders\.json"):
        EncoderSet.open(tmp_path / "encoders.json")


def test_missing_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        EncoderSet.open(tmp_path / "encoders.json")
