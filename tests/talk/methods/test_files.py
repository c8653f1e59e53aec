import json
from pathlib import Path

import pytest
import torch

from mmpipeline.config import MomentConfig, TalkMethodConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.talk.methods.files import load_method, save_method
from mmpipeline.talk.methods.objectives import SeedEmbedding
from mmpipeline.talk.methods.train import TrainedMethod
from mmpipeline.talk.models.moment_prototypes import MomentPrototypes

DIMS = (3, 2)
CONFIG = TalkMethodConfig(
    bumps=4, hidden_dim=8, embedding_dim=4, moments=MomentConfig(curves=3, hidden_dim=8)
)


@pytest.fixture
def method() -> TrainedMethod:
    torch.manual_seed(0)
    assert CONFIG.moments is not None
    moments = MomentPrototypes(DIMS, 3, 8, dims_apart=CONFIG.moments.dims_apart)
    return TrainedMethod("ours", SeedEmbedding(DIMS, CONFIG).model.eval(), moments.eval())


def test_a_saved_method_comes_back_the_same(method: TrainedMethod, tmp_path: Path) -> None:
    values = save_method(method, DIMS, CONFIG, tmp_path)
    assert values > 100
    loaded = load_method(tmp_path)
    inputs = [torch.randn(5, 3), torch.randn(5, 2)]
    assert loaded.name == "ours"
    assert torch.equal(loaded.embed(inputs, (0, 1)), method.embed(inputs, (0, 1)))
    references = [torch.randn(4, 6, 3), torch.randn(4, 6, 2)]
    assert loaded.moments is not None
    assert method.moments is not None
    torch.testing.assert_close(
        loaded.moments.class_vectors(references), method.moments.class_vectors(references)
    )


def test_a_method_without_moments_has_none(method: TrainedMethod, tmp_path: Path) -> None:
    plain = CONFIG.model_copy(update={"moments": None})
    save_method(TrainedMethod("COS", method.embedding, None), DIMS, plain, tmp_path)
    assert load_method(tmp_path).moments is None


@pytest.mark.parametrize("name", ["method.safetensors", "method.json"])
def test_a_missing_or_cut_file_is_an_error(
    name: str, method: TrainedMethod, tmp_path: Path
) -> None:
    save_method(method, DIMS, CONFIG, tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtifactError, match="holds no whole method"):
        load_method(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactError, match="run the seed experiment again"):
        load_method(tmp_path)


def test_weights_of_another_shape_and_unknown_settings_are_refused(
    method: TrainedMethod, tmp_path: Path
) -> None:
    save_method(method, DIMS, CONFIG, tmp_path)
    shape = json.loads((tmp_path / "method.json").read_text())
    shape["config"]["embedding_dim"] = 8
    (tmp_path / "method.json").write_text(json.dumps(shape))
    with pytest.raises(ArtifactError, match="holds no whole method"):
        load_method(tmp_path)
    shape["config"]["colour"] = "red"
    (tmp_path / "method.json").write_text(json.dumps(shape))
    with pytest.raises(ArtifactError, match="unknown key"):
        load_method(tmp_path)
