from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from mmpipeline.config import SyntheticConfig
from mmpipeline.talk.data.parameter_file import save_parameters
from mmpipeline.talk.data.parameters import draw_parameters

CONFIG = SyntheticConfig(classes=5, known_classes=2, scopes=(5,))


def test_what_was_written_holds_the_drawn_classes(tmp_path: Path) -> None:
    drawn = draw_parameters(CONFIG)
    save_parameters(drawn, CONFIG, tmp_path / "kept")
    config = (tmp_path / "kept" / "parameters.json").read_bytes()
    assert SyntheticConfig.model_validate_json(config) == CONFIG
    kept = load_file(tmp_path / "kept" / "parameters.safetensors")
    assert len(kept) == 3 * len(drawn)
    for number, original in enumerate(drawn):
        for field in ("mean", "deviation", "is_uniform"):
            assert np.array_equal(kept[f"{number}.{field}"], getattr(original, field))
