"""The clean-up task: expired artifacts and unused caches go, in one run that nobody disturbs."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mmpipeline.config import FeatureConfig, RetentionConfig
from mmpipeline.errors import BusyError
from mmpipeline.features.cache import EncodingCache, content_key
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.planning import keys
from mmpipeline.storage import Artifact, ArtifactStore, DataLayout
from tasks.runtime.run_lock import data_root_lock
from tasks.stages.pruning import prune

CONFIG = RetentionConfig(keep_versions=1, keep_days=7)
OLD = datetime.now(UTC) - timedelta(days=40)


def make(root: Path, catalog: str, config: FeatureConfig, hours: float = 0) -> Artifact:
    """Make a feature set of 40 days ago and some hours, with the caches that it left."""
    made_at = OLD - timedelta(hours=hours)
    store, key = ArtifactStore(DataLayout.at(root)), keys.features_key(catalog, config)
    with store.create(key) as draft:
        (draft.folder / "rows").write_text("x" * 100_000)
    manifest = store.folder(key) / "manifest.json"
    content = json.loads(manifest.read_text())
    content["created_at"] = made_at.isoformat(timespec="seconds")
    manifest.write_text(json.dumps(content))
    for name in EncoderSet.build(config).cache_names.values():
        with EncodingCache(store.layout.feature_cache, name) as cache:
            cache.put({content_key(b"a"): b"vector"})
        os.utime(store.layout.feature_cache / f"{name}.sqlite", (OLD.timestamp(),) * 2)
    artifact = store.find(key)
    assert artifact is not None
    store.mark_latest(artifact)
    return artifact


@pytest.fixture
def two(tmp_path: Path) -> tuple[Artifact, Artifact]:
    """Feature sets of other text encoders: one before, and the newest."""
    before = make(tmp_path, "a", FeatureConfig(text_dim=64), hours=1)
    return before, make(tmp_path, "a", FeatureConfig(text_dim=128))


def caches(root: Path) -> set[str]:
    return {path.stem for path in DataLayout.at(root).feature_cache.glob("*.sqlite")}


def test_expired_artifacts_go_with_the_caches_that_only_they_used(
    tmp_path: Path, two: tuple[Artifact, Artifact], caplog: pytest.LogCaptureFixture
) -> None:
    expired, newest = two
    orphan = DataLayout.at(tmp_path).temporary / "features-x-999999999-y"
    orphan.mkdir(parents=True)
    os.utime(orphan, (OLD.timestamp(),) * 2)
    with caplog.at_level(logging.INFO, "mmpipeline.run"):
        assert prune.fn(CONFIG, tmp_path, False, 0) == 1
    assert not expired.folder.exists()
    assert newest.folder.exists()
    assert not orphan.exists()
    assert caches(tmp_path) == set(
        EncoderSet.build(FeatureConfig(text_dim=128)).cache_names.values()
    )
    assert "1 removed, 1 kept, 1 caches, 0.100 freed mb" in caplog.text.replace("\n", " ")
    assert prune.fn(CONFIG, tmp_path, False, 0) == 0


def test_a_dry_run_names_them_and_touches_nothing(
    tmp_path: Path, two: tuple[Artifact, Artifact], caplog: pytest.LogCaptureFixture
) -> None:
    before = caches(tmp_path)
    assert len(before) == 3
    with caplog.at_level(logging.INFO, "mmpipeline.run"):
        assert prune.fn(CONFIG, tmp_path, True, 0) == 1
    assert f"features {two[0].id} expired" in caplog.text
    unused = EncoderSet.build(FeatureConfig(text_dim=64)).cache_names["text"]
    assert f"feature cache {unused}" in caplog.text
    assert all(artifact.folder.exists() for artifact in two)
    assert caches(tmp_path) == before


def test_nothing_goes_while_a_run_is_at_work(
    tmp_path: Path, two: tuple[Artifact, Artifact]
) -> None:
    with ThreadPoolExecutor(1) as pool, data_root_lock(tmp_path):
        other = pool.submit(prune.fn, CONFIG, tmp_path, False, 0)
        with pytest.raises(BusyError):
            other.result()
    assert two[0].folder.exists()
