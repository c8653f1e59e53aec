from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel, load_model
from mmpipeline.models import embed as embedding
from mmpipeline.models.embed import (
    QUERY_SUBSETS,
    check_embeddings,
    check_fit,
    embed_rows,
    gather_features,
    mask_subset,
)


def test_masks_follow_the_order_of_the_modalities() -> None:
    presence = np.array([[True, True, False, True], [False, True, True, True]])
    assert mask_subset(presence, QUERY_SUBSETS["image"]).tolist() == [
        [True, False, False, False],
        [False] * 4,
    ]
    assert mask_subset(presence, QUERY_SUBSETS["text"])[:, 1:].tolist() == presence[:, 1:].tolist()
    assert mask_subset(presence, QUERY_SUBSETS["full"]).tolist() == presence.tolist()


def test_batches_change_nothing(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    features, model = FeatureSet.open(world.features), load_model(world.model)
    rows = np.arange(20)
    whole = embed_rows(model, features, rows, features.presence[rows])
    monkeypatch.setattr(embedding, "BATCH_ROWS", 3)
    parts = embed_rows(model, features, rows, features.presence[rows])
    torch.testing.assert_close(parts, whole)


def test_photo_and_text_may_come_from_different_recipes(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    mixed = gather_features(features, np.array([1, 2]), np.array([3, 2]))
    assert mixed["image"].dtype == torch.float32
    for name, row in (("image", 1), ("title", 3), ("instructions", 3)):
        expected = features.matrix(name)[row].astype(np.float32)  # type: ignore[arg-type]  # the loop's names are plain strings
        assert np.array_equal(mixed[name][0].numpy(), expected)


def test_a_model_of_other_widths_is_refused(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    check_fit(load_model(world.model), features)
    other = FusionModel({**features.dims, "title": 5}, hidden_dim=8, embedding_dim=4)
    with pytest.raises(ArtifactError, match="use the features that the model was trained on"):
        check_fit(other, features)


def test_a_broken_model_fails_the_run(world: SimpleNamespace) -> None:
    features, model = FeatureSet.open(world.features), load_model(world.model)
    with torch.no_grad():
        next(iter(model.fusion.parameters())).fill_(float("nan"))
    with pytest.raises(StageError, match="first of recipe t:0001"):
        embed_rows(model, features, np.array([1, 2]), features.presence[[1, 2]])


def test_a_broken_embedding_names_its_recipe() -> None:
    vectors = torch.tensor([[1.0, 0.0], [float("nan"), 0.0]])
    check_embeddings(vectors[:1], ["a"])
    with pytest.raises(StageError, match="1 of 2 embeddings are not finite, the first of recipe b"):
        check_embeddings(vectors, ["a", "b"])
