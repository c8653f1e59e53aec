"""Which catalogue is the one before: sides last, and nothing is made twice."""

from pathlib import Path

from mmpipeline.config import CatalogConfig
from mmpipeline.planning.catalog import plan_catalog
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout


def make(root: Path, key: ArtifactKey) -> Artifact:
    store = ArtifactStore(DataLayout.at(root))
    with store.create(key) as draft:
        (draft.folder / "recipes.parquet").write_bytes(key.id.encode())
    artifact = store.find(key)
    assert artifact is not None
    store.mark_latest(artifact)
    return artifact


def source(root: Path, state: str) -> Artifact:
    return make(root, ArtifactKey("recipe1m", {"dump": state}, {}, "digest"))


def test_the_newest_catalogue_is_the_one_before(tmp_path: Path) -> None:
    config, first, second = CatalogConfig(), source(tmp_path, "a"), source(tmp_path, "b")
    key, previous = plan_catalog(tmp_path, [first], config)
    assert previous is None
    older = make(tmp_path, key)
    assert plan_catalog(tmp_path, [first], config) == (key, None)
    newer_key, previous = plan_catalog(tmp_path, [second], config)
    assert previous == older.folder
    make(tmp_path, newer_key)
    assert plan_catalog(tmp_path, [second], config) == (newer_key, older.folder)
    assert plan_catalog(tmp_path, [first], config) == (key, None)  # made before: not made again


def test_other_shares_draw_sides_anew(tmp_path: Path) -> None:
    first = source(tmp_path, "a")
    make(tmp_path, plan_catalog(tmp_path, [first], CatalogConfig())[0])
    other = CatalogConfig(test_fraction=0.3)
    assert plan_catalog(tmp_path, [first], other)[1] is None
    stricter = CatalogConfig(max_photo_sharers=3)
    assert plan_catalog(tmp_path, [first], stricter)[1] is not None
