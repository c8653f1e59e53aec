"""Caches of encoders go when no kept feature set was encoded with them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mmpipeline.config import FeatureConfig, RetentionConfig
from mmpipeline.features.cache import EncodingCache, content_key
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.photo_keys import CACHE_NAME as PHOTO_KEYS
from mmpipeline.operations.feature_caches import plan_caches
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CONFIG = RetentionConfig(keep_versions=1, keep_days=7)


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    return DataLayout.at(tmp_path)


def make(layout: DataLayout, kind: str, config: dict[str, object]) -> Artifact:
    store, key = ArtifactStore(layout), ArtifactKey(kind, {}, config, "code")
    with store.create(key) as draft:
        (draft.folder / "rows").touch()
    artifact = store.find(key)
    assert artifact is not None
    return artifact


def fill(layout: DataLayout, name: str, age_days: float) -> Path:
    """Make a cache that was last written to some days ago."""
    with EncodingCache(layout.feature_cache, name) as cache:
        cache.put({content_key(b"a"): b"vector"})
    path = layout.feature_cache / f"{name}.sqlite"
    moment = (NOW - timedelta(days=age_days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_the_caches_of_kept_feature_sets_stay(layout: DataLayout) -> None:
    narrow, wide = FeatureConfig(text_dim=64), FeatureConfig(text_dim=128)
    kept = [make(layout, "features", narrow.model_dump(mode="json")), make(layout, "pairs", {})]
    names = {config.text_dim: EncoderSet.build(config).cache_names for config in (narrow, wide)}
    used = [fill(layout, name, 40) for name in (*names[64].values(), PHOTO_KEYS)]
    left = fill(layout, names[128]["text"], 40)  # photos are encoded alike by both
    fresh = fill(layout, "of-an-encoder-that-is-being-tried", 1)
    plan = plan_caches(layout, kept, CONFIG, NOW)
    assert plan.unused() == [left]
    assert left.exists()
    assert plan.carry_out() > 0
    assert not left.exists()
    assert all(path.exists() for path in (*used, fresh))
    assert plan.unused() == []


@pytest.mark.parametrize(
    "config",
    [
        FeatureConfig(text_encoders=("sentence-model",), text_model="no/such/model"),
        {"a setting that is gone": 1},
    ],
)
def test_an_encoder_that_cannot_be_built_keeps_them_all(
    layout: DataLayout, config: FeatureConfig | dict[str, object]
) -> None:
    section = config if isinstance(config, dict) else config.model_dump(mode="json")
    kept = [make(layout, "features", section)]
    cache = fill(layout, "unknown", 400)
    plan = plan_caches(layout, kept, CONFIG, NOW)
    assert kept[0].id in plan.unknown
    assert (plan.unused(), plan.carry_out()) == ([], 0)
    assert cache.exists()


def test_without_feature_sets_or_caches_there_is_nothing_to_do(layout: DataLayout) -> None:
    assert plan_caches(layout, [], CONFIG, NOW).unused() == []
    old = fill(layout, "of-nobody", 8)
    assert plan_caches(layout, [], CONFIG, NOW).unused() == [old]
