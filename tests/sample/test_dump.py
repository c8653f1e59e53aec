"""The dump: exact Recipe1M layout, the truth's recipes, known defects, bounded memory."""

import json
import re
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import TypedDict

import pytest
from PIL import Image, UnidentifiedImageError

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import partition_at, write_recipe1m_dump
from mmpipeline.sample.world.truth import iterate_truth

CONFIG = SampleConfig(recipes=1200, photo_size_px=32)


class Record(TypedDict):
    id: str
    title: str
    url: str
    partition: str
    ingredients: list[dict[str, str]]
    instructions: list[dict[str, str]]
    images: list[dict[str, str]]


def load(path: Path) -> list[Record]:
    records: list[Record] = json.loads(path.read_text(encoding="utf-8"))
    return records


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp("dump")
    return folder, write_recipe1m_dump(folder, CONFIG)


def test_records_match_the_truth(dump: tuple[Path, dict[str, float]]) -> None:
    folder, counts = dump
    records = load(folder / "layer1.json")
    truth = [row for row in iterate_truth(CONFIG) if row.language == "en"]
    assert {f"r1m:{record['id']}" for record in records} == {row.recipe_id for row in truth}
    assert counts["recipes"] == len(truth) == 600
    assert counts["records"] == len(records)
    for record in records:
        assert set(record) == {"id", "title", "url", "partition", "ingredients", "instructions"}
        assert re.fullmatch("[0-9a-f]{10}", record["id"])
        assert all(set(line) == {"text"} for line in record["ingredients"])


def test_partitions_are_about_70_15_15() -> None:
    shares = Counter(partition_at(CONFIG, index) for index in range(4000))
    assert shares["train"] / 4000 == pytest.approx(0.7, abs=0.03)
    assert shares["val"] / 4000 == pytest.approx(0.15, abs=0.03)


def test_images_lie_where_recipe1m_puts_them(dump: tuple[Path, dict[str, float]]) -> None:
    folder, counts = dump
    partition = {record["id"]: record["partition"] for record in load(folder / "layer1.json")}
    found = broken = missing = 0
    for entry in load(folder / "layer2.json"):
        for image in entry["images"]:
            name = image["id"]
            assert name[:10] != entry["id"]
            path = folder.joinpath("images", partition[entry["id"]], *name[:4], name)
            if not path.exists():
                missing += 1
                continue
            try:
                with Image.open(path) as photo:
                    photo.load()
                found += 1
            except (OSError, UnidentifiedImageError):
                broken += 1
    assert (missing, broken) == (counts["images_missing"], counts["images_corrupt"])
    assert found + broken + missing == counts["images"]
    assert missing > 0
    assert broken > 0
    assert len(list((folder / "images").rglob("*.jpg"))) == found + broken


def test_known_defects_occur_now_and_then(tmp_path: Path) -> None:
    config = SampleConfig(recipes=3000)
    counts = write_recipe1m_dump(tmp_path, config, photos=False)
    records = load(tmp_path / "layer1.json")
    lines = [line["text"] for record in records for line in record["ingredients"]]
    assert 0 < sum("&amp;" in record["title"] for record in records) < 200
    assert 0 < sum(re.match("12 (cup|teaspoon)", line) is not None for line in lines) < 400
    assert 0 < lines.count("") < 200
    assert 0 < lines.count("For the sauce:") < 200
    assert 0 < counts["records"] - counts["recipes"] < 40
    assert any(not record["ingredients"] for record in records)
    assert any(not record["instructions"] for record in records)


def test_same_config_gives_the_same_bytes(tmp_path: Path) -> None:
    config = SampleConfig(recipes=30, photo_size_px=32)
    for name in ("one", "two"):
        write_recipe1m_dump(tmp_path / name, config)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.j*"))
    assert len(files) > 10
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_growth_only_adds_records(tmp_path: Path) -> None:
    write_recipe1m_dump(tmp_path / "small", SampleConfig(recipes=100), photos=False)
    write_recipe1m_dump(tmp_path / "large", SampleConfig(recipes=200), photos=False)
    small, large = (load(tmp_path / name / "layer1.json") for name in ("small", "large"))
    assert large[: len(small)] == small
    assert len(large) > len(small)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_world(tmp_path: Path) -> None:
    write_recipe1m_dump(tmp_path, SampleConfig(recipes=200), photos=False)
    tracemalloc.start()
    peaks = []
    for recipes in (200, 2000):
        tracemalloc.reset_peak()
        write_recipe1m_dump(tmp_path, SampleConfig(recipes=recipes), photos=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] < peaks[0] + 300_000


def test_world_of_two_recipes_writes_valid_json(tmp_path: Path) -> None:
    write_recipe1m_dump(tmp_path, SampleConfig(recipes=2, photo_size_px=32))
    assert len(load(tmp_path / "layer1.json")) == 1
    assert not list(tmp_path.glob(".*.part"))
