"""Stored paths mean the same file after the data folder moved."""

from pathlib import Path

from mmpipeline.storage.layout import ARTIFACT_FOLDERS, DataLayout


def test_a_path_inside_is_stored_relative_and_moves_along(tmp_path: Path) -> None:
    photo = tmp_path / "here" / "raw" / "photo.jpg"
    stored = DataLayout.at(tmp_path / "here").relative(photo)
    assert stored == "raw/photo.jpg"
    assert DataLayout.at(tmp_path / "there").resolve(stored) == tmp_path / "there/raw/photo.jpg"


def test_a_path_outside_is_stored_absolute(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    photo = tmp_path / "dump" / "photo.jpg"
    assert layout.resolve(layout.relative(photo)) == photo


def test_recipes_lie_in_a_folder_called_like_their_source(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    assert layout.artifacts("catalog") == tmp_path / "processed" / "catalog"
    assert layout.artifacts("any_source") == tmp_path / "interim" / "any_source"
    assert layout.kinds() == [*ARTIFACT_FOLDERS]
    (layout.artifacts("any_source") / "0123456789abcdef").mkdir(parents=True)
    (layout.feature_cache / "hashed-ngrams").mkdir(parents=True)
    (tmp_path / "interim" / "notes").mkdir()
    assert layout.kinds() == [*ARTIFACT_FOLDERS, "any_source"]
