from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ArtifactError, ImageError
from mmpipeline.features import FeatureSet, QueryEncoder, extract_features
from mmpipeline.schemas import MODALITIES
from mmpipeline.storage import DataLayout, read_parquet

CONFIG = FeatureConfig(
    image_encoders=("descriptors",),
    text_encoders=("hashed-ngrams",),
    text_dim=128,
    image_size_px=48,
)


@pytest.fixture
def folder(catalog: Path, layout: DataLayout, tmp_path: Path) -> Path:
    folder = tmp_path / "features"
    folder.mkdir()
    extract_features(catalog, folder, layout, CONFIG)
    return folder


def test_open_gives_rows_and_dims(folder: Path) -> None:
    features = FeatureSet.open(folder)
    assert len(features) == 12
    assert features.row_of["10k:0000007"] == 7
    assert features.presence.shape == (12, 4)
    assert features.dims == {
        "image": features.matrix("image").shape[1],
        "title": 128,
        "ingredients": 128,
        "instructions": 128,
    }
    assert not features.matrix("title").flags.writeable


@pytest.mark.parametrize("name", ["ids.parquet", "image.npy", "presence.npy", "encoders.json"])
def test_missing_or_cut_file_is_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for damaged in (content[: len(content) // 3], b""):
        (folder / name).write_bytes(damaged)
        with pytest.raises(ArtifactError, match=name):
            FeatureSet.open(folder)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        FeatureSet.open(folder)


def test_matrix_of_another_shape_is_refused(folder: Path) -> None:
    np.save(folder / "title.npy", np.zeros((12, 7), dtype=np.float16))
    with pytest.raises(ArtifactError, match=r"title\.npy has shape \(12, 7\)"):
        FeatureSet.open(folder)


def test_query_with_a_recipes_content_gets_its_vectors(
    folder: Path, catalog: Path, layout: DataLayout
) -> None:
    features = FeatureSet.open(folder)
    encoder = QueryEncoder(folder / "encoders.json")
    for row, recipe in enumerate(read_parquet(catalog / "recipes.parquet").to_pylist()):
        path = layout.resolve(recipe["images"][0]["path"]) if features.presence[row, 0] else None
        for image in (path, path and path.read_bytes()):
            vectors, mask = encoder.encode(
                recipe["title"],
                [item["text"] for item in recipe["ingredients"]],
                recipe["instructions"],
                image,
            )
            assert np.array_equal(mask[0], features.presence[row])
            for modality in MODALITIES:
                assert vectors[modality].dtype == np.float32
                assert np.array_equal(vectors[modality][0], features.matrix(modality)[row])


def test_any_part_may_be_left_out(folder: Path) -> None:
    encoder = QueryEncoder(FeatureSet.open(folder).encoders)
    vectors, mask = encoder.encode(ingredients=["두부"])
    assert mask.tolist() == [[False, False, True, False]]
    assert not vectors["title"].any()
    _, mask = encoder.encode(title=" ?! ")
    assert not mask.any()
    _, mask = encoder.encode()
    assert not mask.any()


def test_query_photo_that_is_none_is_told(folder: Path) -> None:
    with pytest.raises(ImageError, match="no readable photo"):
        QueryEncoder(folder / "encoders.json").encode(image=b"<svg/>")
