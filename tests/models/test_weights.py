import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmpipeline.errors import ArtifactError
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.table import FUSIONS, ModelOptions
from mmpipeline.models.weights import load_model, save_model

DIMS = {"image": 5, "title": 7}


@pytest.fixture
def model() -> FusionModel:
    torch.manual_seed(0)
    return FusionModel(DIMS, hidden_dim=8, embedding_dim=6, dropout=0.25)


def test_a_saved_model_comes_back_the_same(model: FusionModel, tmp_path: Path) -> None:
    model.standardize({"image": (torch.full((5,), 0.5), torch.full((5,), 2.0))})
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    inputs = {"image": torch.randn(3, 5), "title": torch.randn(3, 7)}
    mask = torch.ones(3, 2, dtype=torch.bool)
    assert torch.equal(loaded.embed(inputs, mask), model.embed(inputs, mask))
    assert loaded.modalities == ("image", "title")
    assert loaded.dropout == 0.25
    assert not loaded.training


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("plain", [False, True])
def test_every_fusion_comes_back_the_same(fusion: str, plain: bool, tmp_path: Path) -> None:
    options = ModelOptions(fusion=fusion, plain=plain, unit_length=not plain)
    model = FusionModel(DIMS, hidden_dim=8, embedding_dim=6, options=options)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.options == options
    inputs = {"image": torch.randn(3, 5), "title": torch.randn(3, 7)}
    mask = torch.tensor([[True, False], [False, True], [True, True]])
    assert torch.equal(loaded.embed(inputs, mask), model.embed(inputs, mask))


def test_a_model_from_before_there_were_options_loads(model: FusionModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    shape = json.loads((tmp_path / "model.json").read_text())
    kept = ("dims", "hidden_dim", "embedding_dim", "dropout", "fusion")
    (tmp_path / "model.json").write_text(json.dumps({name: shape[name] for name in kept}))
    assert load_model(tmp_path).options == ModelOptions()
    assert sorted(name for name in model.state_dict() if name.startswith("fusion")) == [
        "fusion.layers.0.bias",
        "fusion.layers.0.weight",
        "fusion.layers.1.bias",
        "fusion.layers.1.weight",
        "fusion.layers.4.bias",
        "fusion.layers.4.weight",
    ]


def test_the_same_weights_give_the_same_bytes(model: FusionModel, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_model(model, tmp_path / name)
    for file in ("model.safetensors", "model.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_missing_file_is_named(model: FusionModel, tmp_path: Path, name: str) -> None:
    save_model(model, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_cut_file_is_named(model: FusionModel, tmp_path: Path, name: str) -> None:
    save_model(model, tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtifactError, match=name):
        load_model(tmp_path)


def test_weights_of_another_shape_are_refused(model: FusionModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    shape = json.loads((tmp_path / "model.json").read_text())
    shape["embedding_dim"] = 4
    (tmp_path / "model.json").write_text(json.dumps(shape))
    with pytest.raises(ArtifactError, match="does not fit"):
        load_model(tmp_path)


def test_an_unknown_fusion_is_refused(model: FusionModel, tmp_path: Path) -> None:
    save_model(model, tmp_path)
    shape = json.loads((tmp_path / "model.json").read_text())
    shape["fusion"] = "telepathy"
    (tmp_path / "model.json").write_text(json.dumps(shape))
    with pytest.raises(ArtifactError, match="telepathy"):
        load_model(tmp_path)


def test_a_model_with_former_names_of_its_private_subspace_is_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = ModelOptions("weighted_sum", private_dim=3, private_weight=0.3)
    model = FusionModel(DIMS, 8, 6, options=options).eval()
    save_model(model, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    former = {name.replace("private_subspace.", "own_part."): t for name, t in tensors.items()}
    assert former.keys() != tensors.keys()
    save_file(former, tmp_path / "model.safetensors")
    shape = (tmp_path / "model.json").read_text()
    shape = shape.replace("private_dim", "own_dim").replace("private_weight", "own_share")
    (tmp_path / "model.json").write_text(shape)
    loaded = load_model(tmp_path)
    assert loaded.options == options
    assert {name: t.tolist() for name, t in loaded.state_dict().items()} == {
        name: t.tolist() for name, t in model.state_dict().items()
    }
