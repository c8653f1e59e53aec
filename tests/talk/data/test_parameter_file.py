from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import SyntheticConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.talk.data.parameter_file import load_parameters, save_parameters
from mmpipeline.talk.data.parameters import draw_parameters

CONFIG = SyntheticConfig(classes=5, known_classes=2, scopes=(5,))


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    drawn = draw_parameters(CONFIG)
    save_parameters(drawn, CONFIG, tmp_path / "kept")
    parameters, config = load_parameters(tmp_path / "kept")
    assert config == CONFIG
    for kept, original in zip(parameters, drawn, strict=True):
        assert np.array_equal(kept.mean, original.mean)
        assert np.array_equal(kept.deviation, original.deviation)
        assert np.array_equal(kept.is_uniform, original.is_uniform)


@pytest.mark.parametrize("name", ["parameters.json", "parameters.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00\xff" * 20])
def test_a_damaged_folder_is_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    save_parameters(draw_parameters(CONFIG), CONFIG, tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=str(tmp_path)):
        load_parameters(tmp_path)


def test_files_of_two_experiments_do_not_mix(tmp_path: Path) -> None:
    save_parameters(draw_parameters(CONFIG), CONFIG, tmp_path)
    other = CONFIG.model_copy(update={"classes": 6})
    (tmp_path / "parameters.json").write_text(other.model_dump_json(), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"expected \(6, 6\)"):
        load_parameters(tmp_path)
