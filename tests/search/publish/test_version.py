import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from mmpipeline.config import IndexConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features import FeatureSet
from mmpipeline.models import FusionModel, load_model, save_model
from mmpipeline.search.load import open_parts
from mmpipeline.search.publish.version import build_index
from mmpipeline.storage import read_parquet


class Parts(NamedTuple):
    model: Path
    features: Path
    catalog: Path


@pytest.fixture
def parts(world: Path) -> Parts:
    """Model, features and catalogue, to be changed at will."""
    return Parts(world / "model", world / "features", world / "catalog")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


def test_index_files_follow_the_contract(parts: Parts, target: Path) -> None:
    counts = build_index(*parts, target, IndexConfig())
    assert counts == {
        "items": 24, "left_out": 1, "dishes": 3, "recall_at_10": 1.0, "embedded": 24,
        "taken_over": 0, "segments": 1,
    }  # fmt: skip
    opened = open_parts(target)
    vectors = opened.space.take(np.arange(24))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    ids = opened.items["recipe_id"].to_pylist()
    assert ids == sorted(ids)
    assert "r1m:0" not in ids
    infos = opened.prototypes.infos
    assert [(info.subset, info.items, info.is_known) for info in infos] == [
        ("bibimbap", 6, True),
        ("kimchi-jjigae", 6, True),
        ("naengmyeon", 8, False),
    ]
    assert infos[0].name == "비빔밥"
    for name in ("model.safetensors", "model.json"):
        assert (target / name).read_bytes() == (parts.model / name).read_bytes()
    assert (target / "encoders.json").read_bytes() == (
        parts.features / "encoders.json"
    ).read_bytes()
    described = json.loads((target / "index.json").read_text())
    assert (described["items"], described["embedding_dim"]) == (24, 16)
    assert described["recall_at_10"] == 1.0


def test_vectors_and_prototypes_are_those_of_the_model(parts: Parts, target: Path) -> None:
    build_index(*parts, target, IndexConfig())
    feature_set = FeatureSet.open(parts.features)
    rows = read_parquet(parts.catalog / "recipes.parquet").to_pylist()
    opened = open_parts(target)
    vectors = opened.space.take(np.arange(24))
    items = opened.items["recipe_id"].to_pylist()
    fusion = load_model(parts.model)
    members = []
    for row, recipe in enumerate(rows):
        if recipe["dish"] != "bibimbap" or recipe["split"] != "train":
            continue
        inputs: dict[str, torch.Tensor] = {
            modality: torch.from_numpy(feature_set.matrix(modality)[[row]].astype(np.float32))
            for modality in feature_set.dims
        }
        alone = fusion.embed(inputs, torch.from_numpy(feature_set.presence[[row]])).numpy()[0]
        np.testing.assert_allclose(vectors[items.index(recipe["recipe_id"])], alone, atol=1e-5)
        members.append(alone)
    mean = np.mean(members, axis=0)
    prototypes = opened.prototypes.means
    np.testing.assert_allclose(prototypes[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_every_build_gives_the_same_bytes(parts: Parts, target: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    for folder in (target, again):
        build_index(*parts, folder, IndexConfig())
    files = [path.relative_to(target) for path in target.rglob("*") if path.is_file()]
    assert len(files) == 12
    for name in files:
        assert (target / name).read_bytes() == (again / name).read_bytes(), name


def test_index_that_finds_too_little_is_refused(
    parts: Parts, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mmpipeline.search.vectors.space.VectorSpace.find",
        lambda space, query, k: (np.arange(k), np.zeros(k)),
    )
    with pytest.raises(StageError, match=r"recall@10 .* at least 0\.99 is demanded"):
        build_index(*parts, target, IndexConfig())


def test_model_of_other_features_is_refused(parts: Parts, target: Path) -> None:
    dims = FeatureSet.open(parts.features).dims | {"title": 99}
    save_model(FusionModel(dims, 8, 8), parts.model)
    with pytest.raises(ArtifactError, match="train again"):
        build_index(*parts, target, IndexConfig())


def test_features_of_another_catalogue_are_refused(parts: Parts, target: Path) -> None:
    table = read_parquet(parts.catalog / "recipes.parquet")
    for other in (table.slice(1), table.slice(0, 20)):
        pq.write_table(other, parts.catalog / "recipes.parquet", write_page_checksum=True)
        with pytest.raises(ArtifactError, match="extract the features again"):
            build_index(*parts, target, IndexConfig())


def test_model_that_gives_nan_is_refused(parts: Parts, target: Path) -> None:
    fusion = load_model(parts.model)
    with torch.no_grad():
        next(fusion.fusion.parameters()).fill_(float("nan"))
    save_model(fusion, parts.model)
    with pytest.raises(StageError, match="not finite"):
        build_index(*parts, target, IndexConfig())


def test_nothing_to_index_is_told(parts: Parts, target: Path) -> None:
    np.save(parts.features / "presence.npy", np.zeros((25, 4), dtype=bool))
    with pytest.raises(StageError, match="nothing to find"):
        build_index(*parts, target, IndexConfig())
