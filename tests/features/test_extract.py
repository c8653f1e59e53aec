import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.extract import extract_features
from mmpipeline.schemas import CATALOG_SCHEMA, MODALITIES
from mmpipeline.storage import DataLayout, read_parquet

ROOT = Path(__file__).parents[2]
CONFIG = FeatureConfig(
    image_encoders=("descriptors",),
    text_encoders=("hashed-ngrams",),
    text_dim=128,
    image_size_px=48,
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "features"
    folder.mkdir()
    return folder


def test_files_follow_the_contract(catalog: Path, target: Path, layout: DataLayout) -> None:
    extract_features(catalog, target, layout, CONFIG)
    ids = read_parquet(target / "ids.parquet").column("recipe_id").to_pylist()
    assert ids == [f"10k:{number:07}" for number in range(12)]
    presence = np.load(target / "presence.npy", allow_pickle=False)
    assert presence.dtype == bool
    assert presence.shape == (12, 4)
    for column, modality in enumerate(MODALITIES):
        matrix = np.load(target / f"{modality}.npy", allow_pickle=False)
        assert matrix.dtype == np.float16
        assert len(matrix) == 12
        lengths = np.linalg.norm(matrix.astype(float), axis=1)
        np.testing.assert_allclose(lengths, presence[:, column], atol=2e-3)


def test_bad_photo_is_a_missing_modality_with_a_reason(
    catalog: Path, target: Path, layout: DataLayout
) -> None:
    counts = extract_features(catalog, target, layout, CONFIG)
    presence = np.load(target / "presence.npy", allow_pickle=False)
    assert presence[:, 0].tolist() == [False, False, False] + [True] * 9
    assert presence[3].tolist() == [True, False, False, False]
    assert presence[[0, 1, 2, 4], 1:].all()
    quarantine = read_parquet(target / "quarantine.parquet").to_pylist()
    assert [(row["recipe_id"], row["reason"]) for row in quarantine] == [
        ("10k:0000001", "damaged"),
        ("10k:0000002", "heic"),
    ]
    assert quarantine[0]["place"] == "raw/photos/1.jpg"
    assert quarantine[0]["field"] == "images"
    assert counts == {
        "recipes": 12,
        "image": 9,
        "title": 11,
        "ingredients": 11,
        "instructions": 11,
        "quarantined": 2,
        "quarantined_damaged": 1,
        "quarantined_heic": 1,
        "encoded": 35,
        "reused": 10,  # the ingredients of eleven recipes read alike
    }


def test_second_photo_stands_in_for_a_bad_first(
    catalog: Path, target: Path, layout: DataLayout
) -> None:
    rows = read_parquet(catalog / "recipes.parquet").to_pylist()
    rows[1]["images"].append(rows[4]["images"][0])
    table = pq.read_table(catalog / "recipes.parquet").from_pylist(rows, schema=CATALOG_SCHEMA)
    pq.write_table(table, catalog / "recipes.parquet", write_page_checksum=True)
    extract_features(catalog, target, layout, CONFIG)
    image = np.load(target / "image.npy", allow_pickle=False)
    assert image[1].any()
    assert np.array_equal(image[1], image[4])


def assert_same_files(one: Path, other: Path) -> None:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert len(names) == 8
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.slow
def test_every_run_gives_the_same_bytes_alone_and_with_a_worker(
    catalog: Path,
    target: Path,
    layout: DataLayout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = FeatureConfig(
        text_dim=64,
        image_encoders=("descriptors", "efficientnet-lite0"),
        text_encoders=("hashed-ngrams", "universal-sentence"),
    )
    extract_features(catalog, target, layout, config, processes=1)
    again = tmp_path / "again"
    again.mkdir()
    monkeypatch.setattr("mmpipeline.features.workers.PATIENCE_S", 0)
    extract_features(catalog, again, layout, config, processes=2)
    assert_same_files(target, again)


def test_nothing_is_encoded_twice_and_the_cache_changes_no_byte(
    catalog: Path, target: Path, layout: DataLayout, tmp_path: Path
) -> None:
    counts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        cache = layout.feature_cache
        counts.append(extract_features(catalog, tmp_path / name, layout, CONFIG, cache=cache))
    assert (counts[0]["encoded"], counts[0]["reused"]) == (35, 10)
    assert (counts[1]["encoded"], counts[1]["reused"]) == (0, 45)
    extract_features(catalog, target, layout, CONFIG)
    assert_same_files(target, tmp_path / "first")
    assert_same_files(target, tmp_path / "second")


def test_only_what_changed_is_encoded(catalog: Path, layout: DataLayout, tmp_path: Path) -> None:
    cache = layout.feature_cache
    (tmp_path / "first").mkdir()
    extract_features(catalog, tmp_path / "first", layout, CONFIG, cache=cache)
    rows = read_parquet(catalog / "recipes.parquet").to_pylist()
    rows[5]["title"] = "새로운 이름"
    table = pq.read_table(catalog / "recipes.parquet").from_pylist(rows, schema=CATALOG_SCHEMA)
    pq.write_table(table, catalog / "recipes.parquet", write_page_checksum=True)
    photo = layout.resolve(rows[6]["images"][0]["path"])
    photo.write_bytes(layout.resolve(rows[7]["images"][0]["path"]).read_bytes() + b"\0")
    (tmp_path / "second").mkdir()
    counts = extract_features(catalog, tmp_path / "second", layout, CONFIG, cache=cache)
    assert counts["encoded"] == 2
    (tmp_path / "fresh").mkdir()
    extract_features(catalog, tmp_path / "fresh", layout, CONFIG)
    assert_same_files(tmp_path / "second", tmp_path / "fresh")


def test_a_killed_run_goes_on_where_it_was(
    catalog: Path, target: Path, layout: DataLayout, tmp_path: Path
) -> None:
    code = f"""
import os
from pathlib import Path
from mmpipeline.config import FeatureConfig
from mmpipeline.features import extract
from mmpipeline.storage import DataLayout
extract._BATCH_ROWS = 4
append = extract.FeatureWriter.append
def append_or_die(writer, batch):
    if writer.counts["recipes"] == 4:
        os.kill(os.getpid(), 9)
    append(writer, batch)
extract.FeatureWriter.append = append_or_die
layout = DataLayout.at({str(layout.root)!r})
target = Path({str(target)!r})
config = FeatureConfig.model_validate({CONFIG.model_dump()!r})
extract.extract_features(Path({str(catalog)!r}), target, layout, config, cache=layout.feature_cache)
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert killed.returncode == -9
    again, fresh = tmp_path / "again", tmp_path / "fresh"
    again.mkdir()
    fresh.mkdir()
    counts = extract_features(catalog, again, layout, CONFIG, cache=layout.feature_cache)
    assert counts["encoded"] == 12  # the texts and photos of four recipes, less the ingredients
    extract_features(catalog, fresh, layout, CONFIG)
    assert_same_files(again, fresh)


def test_batches_change_nothing(
    catalog: Path,
    target: Path,
    layout: DataLayout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extract_features(catalog, target, layout, CONFIG)
    again = tmp_path / "again"
    again.mkdir()
    monkeypatch.setattr("mmpipeline.features.extract._BATCH_ROWS", 5)
    extract_features(catalog, again, layout, CONFIG)
    for modality in MODALITIES:
        name = f"{modality}.npy"
        assert (target / name).read_bytes() == (again / name).read_bytes()


def test_empty_catalogue_is_told(catalog: Path, target: Path, layout: DataLayout) -> None:
    pq.write_table(CATALOG_SCHEMA.empty_table(), catalog / "recipes.parquet")
    with pytest.raises(StageError, match="holds no recipe"):
        extract_features(catalog, target, layout, CONFIG)


def test_missing_and_damaged_catalogue_are_told(
    catalog: Path, target: Path, layout: DataLayout
) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        extract_features(catalog / "nothing", target, layout, CONFIG)
    path = catalog / "recipes.parquet"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="cannot be read"):
        extract_features(catalog, target, layout, CONFIG)
