"""Versions over parts of the recipes, merged, answer as one that was built over all of them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from mmpipeline.config import IndexConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features import FeatureSet, extract_features
from mmpipeline.models import FusionModel, save_model
from mmpipeline.models.rounding import tie_width
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.load import IndexParts, open_parts, open_verified
from mmpipeline.search.publish.merge import merge_versions
from mmpipeline.search.publish.version import build_index
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout, read_parquet
from tests.rounding import UNIT_ROUNDOFF
from tests.search.conftest import FEATURES


def publish_rows(world: Path, name: str, rows: Sequence[int], model: str = "model") -> Artifact:
    """Publish a version over some rows of the world's catalogue."""
    layout = DataLayout.at(world / "data")
    catalog, features = world / f"catalog-{name}", world / f"features-{name}"
    catalog.mkdir()
    features.mkdir()
    table = read_parquet(world / "catalog" / "recipes.parquet").take(list(rows))
    pq.write_table(table, catalog / "recipes.parquet", write_page_checksum=True)
    shutil.copy(world / "catalog" / "dishes.parquet", catalog)
    extract_features(catalog, features, layout, FEATURES)
    key = ArtifactKey("index", {"model": model, "catalog": name}, {}, "s")
    store = ArtifactStore(layout)
    config = IndexConfig(subsets={"kim": "SELECT recipe_id FROM recipes WHERE author = 'Kim'"})
    with store.create(key) as draft:
        draft.counts = build_index(world / model, features, catalog, draft.folder, config)
    found = store.find(key)
    assert found is not None
    return found


VECTOR_BOUND = 2 * 5 * 132 * UNIT_ROUNDOFF
"""How far one recipe's vectors may lie apart that were embedded in batches of unlike size.

Five layers follow one another, each with dot products of at most 132 terms, and the norms between
them keep lengths near 1; both vectors may be off, in opposite directions.
"""


def vectors_by_id(parts: IndexParts) -> dict[str, np.ndarray]:
    rows = parts.living_rows()
    ids = parts.items["recipe_id"].take(rows).to_pylist()
    return dict(zip(ids, parts.space.take(rows), strict=True))


def answers(parts: IndexParts, query: np.ndarray) -> dict[str, float]:
    """The scores of all recipes by their ids, best first."""
    rows, scores = parts.space.find(query, 24)
    ids = parts.items["recipe_id"].take(rows).to_pylist()
    return dict(zip(ids, scores.tolist(), strict=True))


def test_merged_versions_answer_as_one_over_all(world: Path) -> None:
    layout = DataLayout.at(world / "data")
    whole = open_parts(publish_rows(world, "whole", range(25)).folder)
    halves = [publish_rows(world, "a", range(12)), publish_rows(world, "b", range(12, 25))]
    merged = merge_versions(layout, halves)
    merged.verify()
    parts = open_verified(merged)
    assert parts.living == whole.living == 24
    assert merged.counts["items"] == 24
    assert merged.counts["recall_at_10"] == 1
    found, expected = vectors_by_id(parts), vectors_by_id(whole)
    assert found.keys() == expected.keys()
    apart = max(float(np.linalg.norm(found[name] - expected[name])) for name in found)
    assert apart <= VECTOR_BOUND
    vectors = whole.space.take(whole.living_rows())
    bound = apart + 2 * tie_width(whole.model.embedding_dim)  # of a score, which may be of a tie
    for query in vectors:
        ours, theirs = answers(parts, query), answers(whole, query)
        assert ours == pytest.approx(theirs, abs=bound, rel=0)
        highest = np.minimum.accumulate([theirs[name] for name in ours])
        assert all(
            theirs[name] <= best + 2 * bound for name, best in zip(ours, highest, strict=True)
        )
    infos = {info.subset: info for info in parts.prototypes.infos}
    assert infos == {info.subset: info for info in whole.prototypes.infos}
    for name in infos:
        one, other = (p.prototypes.find(name) for p in (parts, whole))
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(
            parts.prototypes.means[one], whole.prototypes.means[other], atol=1e-6
        )
        gaussian = [
            p.prototypes.scores(vectors[0], "gaussian")[turn]
            for p, turn in ((parts, one), (whole, other))
        ]
        np.testing.assert_allclose(*gaussian, rtol=1e-4)
    assert set(parts.members["kim"].to_pylist()) == set(whole.members["kim"].to_pylist())
    assert len(SearchIndex.open(layout, merged.id)) == 24


def test_segments_are_shared_as_they_stand_and_it_is_done_once(world: Path) -> None:
    layout = DataLayout.at(world / "data")
    halves = [publish_rows(world, "a", range(12)), publish_rows(world, "b", range(12, 25))]
    merged = merge_versions(layout, halves)
    places = [half.folder / "segments" / "000000" / "full.vectors.npy" for half in halves]
    for number, place in enumerate(places):
        linked = merged.folder / "segments" / f"{number:06d}" / "full.vectors.npy"
        assert linked.stat().st_ino == place.stat().st_ino
    assert merge_versions(layout, halves).manifest.created_at == merged.manifest.created_at


def test_of_a_recipe_in_several_parts_the_last_one_lives(world: Path) -> None:
    layout = DataLayout.at(world / "data")
    parts = [publish_rows(world, "a", range(15)), publish_rows(world, "b", range(10, 25))]
    merged = open_parts(merge_versions(layout, parts).folder)
    assert merged.living == 24
    rows = merged.living_rows()
    ids = merged.items["recipe_id"].take(rows).to_pylist()
    assert len(set(ids)) == 24
    first = open_parts(parts[0].folder).items.num_rows
    of_first = set(ids[: int((rows < first).sum())])
    assert len(of_first) == first - 5
    assert not of_first & set(open_parts(parts[1].folder).items["recipe_id"].to_pylist())
    again = merge_versions(layout, [parts[1], parts[0]])
    assert again.id != merge_versions(layout, parts).id
    assert open_parts(again.folder).living == 24


def test_versions_of_different_models_are_not_merged(world: Path) -> None:
    layout = DataLayout.at(world / "data")
    one = publish_rows(world, "a", range(12))
    (world / "other").mkdir()
    torch.manual_seed(6)
    dims = FeatureSet.open(world / "features-a").dims
    save_model(FusionModel(dims, 32, 16), world / "other")
    other = publish_rows(world, "b", range(12, 25), model="other")
    with pytest.raises(ArtifactError, match=r"differ in model\.safetensors"):
        merge_versions(layout, [one, other])
    with pytest.raises(StageError, match="at least two"):
        merge_versions(layout, [one])
    (one.folder / "dead.npy").write_bytes(bytes((one.folder / "dead.npy").stat().st_size))
    with pytest.raises(ArtifactError, match=r"dead\.npy does not match"):
        merge_versions(layout, [one, one])
    assert list(layout.temporary.iterdir()) == []
