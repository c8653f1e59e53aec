from pathlib import Path

import pytest
import torch

from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders.hub import digest_weights, model_source, require_hub


def test_a_missing_package_is_told_with_what_to_install() -> None:
    require_hub("any", "torch")
    with pytest.raises(ConfigError, match=r"pip install 'mmpipeline\[hub\]'"):
        require_hub("any", "no_such_package")


def test_a_folder_is_told_from_a_name(tmp_path: Path) -> None:
    assert model_source(str(tmp_path), "any", "text_model") == (str(tmp_path), True)
    assert model_source("owner/model", "any", "text_model") == ("owner/model", False)
    for absent in (str(tmp_path / "absent"), "./absent", "~/absent-model"):
        with pytest.raises(ConfigError, match="no such folder"):
            model_source(absent, "any", "text_model")
    with pytest.raises(ConfigError, match=r"needs features\.text_model"):
        model_source(None, "any", "text_model")


def test_digest_follows_every_weight() -> None:
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    first = digest_weights(module)
    assert digest_weights(module) == first
    module[1].num_batches_tracked += 1
    second = digest_weights(module)
    module[0].weight.data[1, 2] += 1e-6
    assert len({first, second, digest_weights(module)}) == 3
