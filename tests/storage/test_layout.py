"""Stored paths mean the same file after the data folder moved."""

from pathlib import Path

from mmpipeline.storage import DataLayout


def test_a_path_inside_is_stored_relative_and_moves_along(tmp_path: Path) -> None:
    photo = tmp_path / "here" / "raw" / "photo.jpg"
    stored = DataLayout.at(tmp_path / "here").relative(photo)
    assert stored == "raw/photo.jpg"
    assert DataLayout.at(tmp_path / "there").resolve(stored) == tmp_path / "there/raw/photo.jpg"


def test_a_path_outside_is_stored_absolute(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    photo = tmp_path / "dump" / "photo.jpg"
    assert layout.resolve(layout.relative(photo)) == photo
