"""The lines that commands print."""

import os
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from mmpipeline.cli import render_pairs
from mmpipeline.config import PairConfig
from mmpipeline.pairs import anchor_pairs, build_pairs
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from tests.pairs.tiny_catalog import Row, write_catalog

ROWS = [Row(f"10k:{n}", dish=f"dish-{n % 3}", has_image=n != 4) for n in range(9)]
ALONE = Row("10k:alone", dish="dish-z", has_image=False)


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a catalogue and its pairs."""
    root = tmp_path_factory.mktemp("cli") / "data"
    store = ArtifactStore(DataLayout.at(root))
    catalog_key = ArtifactKey("catalog", {}, {}, "")
    with store.create(catalog_key) as draft:
        write_catalog(draft.folder, [*ROWS, ALONE])
    pairs_key = ArtifactKey("pairs", {"catalog": catalog_key.id}, {}, "")
    with store.create(pairs_key) as draft:
        build_pairs(store.folder(catalog_key), draft.folder, PairConfig(), root / "tmp", "256MB")
    found = store.find(pairs_key)
    assert found
    store.mark_latest(found)
    return root


def show(data_root: Path, recipe_id: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from mmpipeline.cli import main; main()",
            "pairs",
            "show",
            recipe_id,
        ],
        env={"MMPIPELINE_DATA_ROOT": str(data_root), "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_pairs_show_prints_a_table(data_root: Path) -> None:
    done = show(data_root, "10k:0")
    assert done.returncode == 0, done.stderr
    first, second, *lines = done.stdout.splitlines()
    assert first == "10k:0  title of 10k:0  [dish-0]"
    assert second.startswith("train split, 3 positives, ")
    assert lines[0] == "  + positive_recipe   1  10k:0  its own text beside its photo"
    assert sum(line.startswith("  + positive_dish") for line in lines) == 2
    assert sum("photo of title of" in line for line in lines) == 1
    assert sum("text of title of" in line for line in lines) == 1
    assert all("AnchorPair" not in line for line in lines)


def test_pairs_show_says_what_is_wrong_on_one_line(data_root: Path, tmp_path: Path) -> None:
    alone = show(data_root, "10k:alone")
    assert alone.returncode == 0
    assert "10k:alone is in the catalogue and is no anchor" in alone.stdout
    unknown = show(data_root, "10k:77")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("error: the catalogue has no recipe '10k:77'; give an id")
    nothing = show(tmp_path, "10k:0")
    assert nothing.returncode == 1
    assert "no pairs artifact in" in nothing.stderr
    assert len((unknown.stderr + nothing.stderr).splitlines()) == 2


def test_no_line_is_wider_than_the_screen_whatever_the_titles(data_root: Path) -> None:
    store = ArtifactStore(DataLayout.at(data_root))
    pairs = store.latest("pairs")
    catalog = store.layout.artifacts("catalog") / pairs.manifest.inputs["catalog"]
    title = "온가족이 좋아하는 감자 갈비찜 " * 8
    wide = [
        replace(pair, left_title=title, right_text_title=title, right_image_title=title)
        for pair in anchor_pairs(pairs.folder, catalog, "10k:0")
    ]
    lines = list(render_pairs("10k:0", wide))
    assert max(map(columns, lines)) <= 100
    assert sum(line.endswith("…") for line in lines) == len(lines) - 2


def test_the_doctor_fits_the_screen_and_ends_with_what_it_found(data_root: Path) -> None:
    def look() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from mmpipeline.cli import main; main()", "doctor"],
            env={**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)},
            capture_output=True,
            text=True,
            check=False,
        )

    sound = look()
    assert sound.returncode == 0, sound.stdout
    assert "pairs artifacts" in sound.stdout
    assert max(map(len, sound.stdout.splitlines())) <= 100
    pairs = ArtifactStore(DataLayout.at(data_root)).latest("pairs").file("pairs.parquet")
    content = pairs.read_bytes()
    pairs.write_bytes(content[:-1])
    broken = look()
    pairs.write_bytes(content)
    assert broken.returncode == 1
    assert "x pairs artifacts" in broken.stdout
