import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.search.release.live import LiveIndex
from mmpipeline.serving.map import maps
from mmpipeline.serving.map.maps import MapMaker
from mmpipeline.storage import DataLayout


@pytest.fixture
def live(first_world: Path) -> Iterator[LiveIndex]:
    with LiveIndex(DataLayout.at(first_world / "data")) as opened:
        yield opened


def wait(maker: MapMaker, live: LiveIndex) -> tuple[np.ndarray, np.ndarray]:
    until = time.monotonic() + 30
    while (made := maker.get(live.version or "", live.lease)) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    return made


def test_a_sample_is_drawn_and_kept(live: LiveIndex, tmp_path: Path) -> None:
    rows, places = wait(MapMaker(tmp_path, 10), live)
    assert rows.shape == (10,)
    assert places.shape == (10, 2)
    stored = json.loads((tmp_path / f"{live.version}.json").read_text())
    assert np.allclose(stored, places, atol=1e-5)


def test_what_is_kept_is_not_drawn_again(
    live: LiveIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, places = wait(MapMaker(tmp_path, 10), live)
    monkeypatch.setattr(maps, "lay_out", None)
    assert np.allclose(wait(MapMaker(tmp_path, 10), live)[1], places, atol=1e-5)


@pytest.mark.parametrize("content", ["", "{", "[[1, 2]]", '[["a", 1]]', "[1, [2]]", "[[NaN, 0]]"])
def test_a_damaged_file_is_drawn_anew(live: LiveIndex, tmp_path: Path, content: str) -> None:
    (tmp_path / f"{live.version}.json").write_text(content)
    assert wait(MapMaker(tmp_path, 6), live)[1].shape == (6, 2)


def test_old_files_go(live: LiveIndex, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:016x}.json").write_text("[]")
    wait(MapMaker(tmp_path, 6), live)
    assert len(list(tmp_path.glob("*.json"))) == 8
    assert (tmp_path / f"{live.version}.json").is_file()


def test_a_folder_that_cannot_be_written_costs_the_file_only(
    live: LiveIndex, tmp_path: Path
) -> None:
    (tmp_path / "maps").write_text("no folder")
    assert wait(MapMaker(tmp_path / "maps", 6), live)[1].shape == (6, 2)
