import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.config import Recipe1MConfig
from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.schemas import QUARANTINE_SCHEMA, RECIPE_SCHEMA
from mmpipeline.sources.recipe1m.normalise import normalize_dump
from mmpipeline.storage import DataLayout, read_parquet

MakeDump = Callable[..., Path]
MakeRecord = Callable[..., dict[str, Any]]
Rows = list[dict[str, Any]]


def normalize(folder: Path, **config: Any) -> tuple[dict[str, float], Rows, Rows]:  # noqa: ANN401 -- any config field
    target = folder.parent / "target"
    target.mkdir(exist_ok=True)
    layout = DataLayout.at(folder.parent)
    counts = normalize_dump(folder, target, layout, Recipe1MConfig(**config))
    assert sorted(path.name for path in target.iterdir()) == [
        "quarantine.parquet",
        "recipes.parquet",
    ]
    recipes = read_parquet(target / "recipes.parquet")
    quarantine = read_parquet(target / "quarantine.parquet")
    assert recipes.schema == RECIPE_SCHEMA
    assert quarantine.schema == QUARANTINE_SCHEMA
    return counts, recipes.to_pylist(), quarantine.to_pylist()


def test_photos_are_joined_by_id_and_checked(
    make_dump: MakeDump, make_record: MakeRecord, draw_photo: Callable[..., Path]
) -> None:
    images = [{"id": f"{name}00112233.jpg", "url": "http://example.org/i"} for name in "abc"]
    folder = make_dump(
        [make_record(1), make_record(2)],
        [{"id": "0000000002", "images": images}, {"id": "ffffffffff", "images": images}],
    )
    path = draw_photo(folder / "images/train/a/0/0/1/a00112233.jpg")
    broken = draw_photo(folder / "images/train/b/0/0/1/b00112233.jpg")
    broken.write_bytes(broken.read_bytes()[:40])
    counts, recipes, quarantine = normalize(folder)
    assert recipes[0]["images"] == []
    assert [image["id"] for image in recipes[1]["images"]] == [image["id"] for image in images]
    stored = [image["path"] for image in recipes[1]["images"]]
    assert stored == [str(path.relative_to(folder.parent)), None, None]
    assert [(row["reason"], row["field"], row["recipe_id"]) for row in quarantine] == [
        ("undecodable_image", "images", "r1m:0000000002")
    ]
    expected = {"photos": 1, "photos_missing": 1, "photos_undecodable": 1, "recipes_with_photo": 1}
    assert expected.items() <= counts.items()
    assert counts["image_lists_without_recipe"] == 1


def test_what_is_withheld_and_what_becomes_missing(
    make_dump: MakeDump, make_record: MakeRecord
) -> None:
    records = [make_record(number) for number in range(8)]
    records += [
        make_record(1, title="Second of its id"),
        make_record(20, id=None),
        make_record(21, id=""),
        make_record(22, title=5, ingredients=[], partition="dev"),
        make_record(23, ingredients=[{"text": "12 cup milk"}, {"text": "(serves 4)"}]),
    ]
    folder = make_dump(records)
    path = folder / "layer1.json"
    path.write_text(path.read_text().replace('"Invented Dish 3"', "NaN"))
    counts, recipes, quarantine = normalize(folder)
    kept = [row["recipe_id"] for row in recipes]
    assert kept == [f"r1m:{number:010x}" for number in (0, 1, 2, 3, 4, 5, 6, 7, 22, 23)]
    assert recipes[1]["title"] == "Invented Dish 1"
    assert [(row["reason"], row["field"]) for row in quarantine] == [
        ("not_a_number", "title"),
        ("duplicate_id", None),
        ("missing_id", None),
        ("missing_id", None),
        ("wrong_type", "title"),
        ("missing", "ingredients"),
        ("unknown_partition", "partition"),
        ("note_line", "ingredients"),
        ("fraction_repaired", "ingredients"),
    ]
    content = path.read_bytes()
    for row in quarantine:
        name, _, offset = row["place"].partition("@")
        assert name == "layer1.json"
        assert content[int(offset) : int(offset) + 1] == b"{"
    assert (recipes[8]["title"], recipes[8]["source_partition"]) == (None, None)
    assert recipes[9]["ingredients"][0]["quantity"] == 0.5
    expected = {"records": 13, "recipes": 10, "withheld": 3, "duplicates": 1, "fields_missing": 4}
    assert expected.items() <= counts.items()
    assert counts["quarantined"] == len(quarantine)


def test_both_image_lists_are_joined(make_dump: MakeDump, make_record: MakeRecord) -> None:
    folder = make_dump([make_record(1)], [{"id": "0000000001", "images": [{"id": "aaaa.jpg"}]}])
    more = [{"id": "0000000001", "images": [{"id": "aaaa.jpg"}, {"id": "bbbb.jpg"}]}]
    (folder / "layer2+.json.gz").write_bytes(gzip.compress(json.dumps(more).encode()))
    _, recipes, _ = normalize(folder)
    assert [image["id"] for image in recipes[0]["images"]] == ["aaaa.jpg", "bbbb.jpg"]


def test_the_result_does_not_depend_on_layout_or_threads(
    make_dump: MakeDump, make_record: MakeRecord, draw_photo: Callable[..., Path]
) -> None:
    records = [make_record(number) for number in range(600)]
    lists = [
        {"id": record["id"], "images": [{"id": f"{number:04x}.jpg"}]}
        for number, record in enumerate(records)
    ]
    folder = make_dump(records, lists)
    for number in range(0, 600, 7):
        name = f"{number:04x}"
        draw_photo(folder.joinpath("images", *name, f"{name}.jpg"), size_px=1 + number % 40)
    normalize(folder)
    first = (folder.parent / "target/recipes.parquet").read_bytes()
    (folder / "layer1.json").write_text(json.dumps(records, indent=2))
    (folder / "layer2.json").write_text(json.dumps(lists[::-1]))
    normalize(folder)
    assert (folder.parent / "target/recipes.parquet").read_bytes() == first


def test_inputs_that_are_refused(
    tmp_path: Path, make_dump: MakeDump, make_record: MakeRecord
) -> None:
    with pytest.raises(InputError, match="no such folder"):
        normalize(tmp_path / "none")
    with pytest.raises(InputError, match="empty array"):
        normalize(make_dump([]))
    folder = make_dump([make_record(number) for number in range(5)])
    path = folder / "layer1.json"
    content = path.read_text()
    path.write_text("<html></html>")
    with pytest.raises(InputError, match="no JSON array"):
        normalize(folder)
    path.write_text(content[:-20])
    with pytest.raises(TruncatedInputError, match="after record 4"):
        normalize(folder)


def test_too_many_unusable_records_are_refused(
    make_dump: MakeDump, make_record: MakeRecord
) -> None:
    records = [make_record(number, id=None if number % 3 else "x" * number) for number in range(20)]
    with pytest.raises(InputError, match=r"14 of 20 records.*max_quarantined_fraction"):
        normalize(make_dump(records))
    _, recipes, _ = normalize(make_dump(records), max_quarantined_fraction=0.8)
    assert len(recipes) == 6
    with pytest.raises(InputError, match="1 of 1 records"):
        normalize(make_dump([{"name": "no recipe"}]))


def test_workers_and_this_process_agree(
    make_dump: MakeDump, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [make_record(number % 4000) for number in range(4010)]
    records[7]["title"] = 7
    folder = make_dump(records)
    path = folder / "layer1.json"
    path.write_text(path.read_text().replace('"Invented Dish 3000"', '"a\\ud800"'))
    results = []
    monkeypatch.setattr("mmpipeline.sources.recipe1m.normalise._BLOCK_BYTES", 50_000)
    for limit in (0, 1 << 40):
        monkeypatch.setattr("mmpipeline.sources.recipe1m.normalise._IN_PROCESS_BYTES", limit)
        counts, _, _ = normalize(folder)
        results.append([
            (folder.parent / "target" / name).read_bytes()
            for name in ("recipes.parquet", "quarantine.parquet")
        ])
    assert results[0] == results[1]
    assert (counts["duplicates"], counts["fields_missing"]) == (10, 2)


def test_classes_and_detected_names(make_dump: MakeDump, make_record: MakeRecord) -> None:
    folder = make_dump([make_record(1), make_record(2)])
    classes = {"classes": {"0000000001": 1, "0000000002": 0}, "names": {0: "background", 1: "pie"}}
    (folder / "classes1M.json").write_text(json.dumps(classes))
    detected = [{"id": "0000000001", "valid": [True], "ingredients": [{"text": "flour"}]}]
    (folder / "det_ingrs.json").write_text(json.dumps(detected))
    target = folder.parent / "target"
    target.mkdir()
    layout = DataLayout.at(folder.parent)
    counts = normalize_dump(folder, target, layout, Recipe1MConfig())
    rows = read_parquet(target / "recipes.parquet").to_pylist()
    assert [row["dish_name"] for row in rows] == ["pie", None]
    assert read_parquet(target / "detected.parquet").to_pylist() == [
        {"recipe_id": "r1m:0000000001", "names": ["flour"]}
    ]
    assert (counts["detected"], counts["recipes_with_class"]) == (1, 1)
