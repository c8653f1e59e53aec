"""Stored places follow the data folder, whatever stands in its path; others are let be."""

import json
from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout
from mmpipeline.storage.locations import follow, local_place

MODEL = "models/0123456789abcdef"
RUN = "state/mlflow-artifacts/7/artifacts"


@pytest.fixture
def layout(tmp_path: Path) -> DataLayout:
    (tmp_path / "new").mkdir()
    return DataLayout.at(tmp_path / "new")


@pytest.mark.parametrize("name", ["old", "a b", "자료", "100%", "100%25", "a#b", "a?b=c", "a;b"])
def test_a_place_of_another_data_folder_follows(tmp_path: Path, name: str) -> None:
    old, layout = tmp_path / name, DataLayout.at(tmp_path / f"{name} 2")
    artifacts = ("processed/pairs/0123456789abcdef", "interim/any_source/0123456789abcdef")
    for tail in (RUN, MODEL, "state/mlflow-artifacts", *artifacts):
        assert follow(layout, str(old / tail)) == (str(layout.root / tail), old)
        address, was = follow(layout, (old / tail).as_uri())
        assert (address, was) == ((layout.root / tail).as_uri(), old)
        source = json.dumps({"uri": str(old / tail), "kept": 1})
        followed, was = follow(layout, source)
        assert was == old
        assert json.loads(followed) == {"uri": str(layout.root / tail), "kept": 1}


@pytest.mark.parametrize(
    "stored",
    [
        "s3://bucket/state/mlflow-artifacts/7",
        "mlflow-artifacts:/7/artifacts",
        "models:/m-0123",
        "/mnt/runs/7/artifacts",
        "file:///mnt/state/mlflow-artifacts-of-mine/7",
        "/mnt/models/notes",
        "/mnt/interim/0123456789abcdef",
        "/mnt/interim/any_source/notes",
        "mlruns/0",
        "",
        "{not json",
        '{"url": "https://example.org/data.csv"}',
        '{"uri": 3}',
        "[]",
    ],
)
def test_what_names_no_data_folder_is_let_be(layout: DataLayout, stored: str) -> None:
    assert follow(layout, stored) == (stored, None)


def test_another_spelling_of_the_folder_is_no_other_folder(layout: DataLayout) -> None:
    link = layout.root.with_name("link")
    link.symlink_to(layout.root)
    for place in (link / RUN, layout.root / RUN):
        assert follow(layout, place.as_uri()) == (place.as_uri(), None)
    link.unlink()
    assert follow(layout, (link / RUN).as_uri()) == ((layout.root / RUN).as_uri(), link)


def test_a_data_folder_within_a_data_folder_is_another_one(layout: DataLayout) -> None:
    inner = layout.root / "state" / "mlflow-artifacts" / "data"
    assert follow(layout, str(inner / RUN)) == (str(layout.root / RUN), inner)
    assert follow(DataLayout.at(inner), str(layout.root / RUN))[0] == str(inner / RUN)


def test_a_note_of_an_artifact_is_read_from_here(layout: DataLayout) -> None:
    here = layout.root / MODEL
    assert local_place(layout, layout.relative(here)) == here
    assert local_place(layout, str(here)) == here
    assert local_place(layout, f"/gone/data/{MODEL}") == here
    assert local_place(layout, "/mnt/elsewhere") == Path("/mnt/elsewhere")
    assert not Path(layout.relative(here)).is_absolute()
