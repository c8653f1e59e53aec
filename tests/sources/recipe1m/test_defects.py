"""The known defects of Recipe1M, one test each, through the whole normaliser.

Two ask nothing of a reader: course categories were never released (18), and models trained on
RecipeNLG know much of Recipe1M's test side (19); none is used here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mmpipeline.config import Recipe1MConfig
from mmpipeline.errors import InputError
from mmpipeline.sources.recipe1m.normalise import normalize_dump
from mmpipeline.storage import DataLayout, read_parquet

Rows = list[dict[str, Any]]
Normalize = Callable[..., tuple[dict[str, float], Rows, Rows]]
Dump = Callable[..., Path]
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def normalize(tmp_path: Path) -> Normalize:
    def run(folder: Path, **config: bool) -> tuple[dict[str, float], Rows, Rows]:
        target = tmp_path / "target"
        target.mkdir(exist_ok=True)
        counts = normalize_dump(folder, target, DataLayout.at(tmp_path), Recipe1MConfig(**config))
        tables = (read_parquet(target / f"{name}.parquet") for name in ("recipes", "quarantine"))
        recipes, quarantine = (table.to_pylist() for table in tables)
        return counts, recipes, quarantine

    return run


@pytest.fixture
def clean(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> Callable[..., dict[str, Any]]:
    """Return the one recipe that comes of a record with these fields."""

    def run(**fields: object) -> dict[str, Any]:
        [recipe] = normalize(make_dump([make_record(1, **fields)]))[1]
        return recipe

    return run


def lines(*texts: str) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


def test_1_a_recipe_without_photo_is_kept(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> None:
    layer2 = [{"id": "0000000002", "images": [{"id": "aaaa.jpg"}]}]
    counts, recipes, _ = normalize(make_dump([make_record(1), make_record(2)], layer2))
    assert [len(recipe["images"]) for recipe in recipes] == [0, 1]
    assert counts["photos_missing"] == 1


def test_2_and_3_the_standard_filter_is_an_option(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> None:
    records = [
        make_record(0),
        make_record(1),
        make_record(2, ingredients=lines(*["1 egg"] * 20)),
        make_record(3, instructions=lines(*["Stir."] * 20)),
        make_record(4),
    ]
    layer2 = [{"id": record["id"], "images": [{"id": "aaaa.jpg"}]} for record in records[:4]]
    folder = make_dump(records, layer2)
    (folder / "remove1M.txt").write_text("0000000000\nffffffffff\n")  # the first line counts too
    assert len(normalize(folder)[1]) == 5
    counts, recipes, quarantine = normalize(folder, standard_filter=True)
    assert [recipe["recipe_id"] for recipe in recipes] == ["r1m:0000000001"]
    assert counts["recipes"] == 1
    assert {row["recipe_id"][-1]: row["reason"] for row in quarantine} == {
        "0": "filter_removed_id",
        "2": "filter_many_ingredients",
        "3": "filter_many_instructions",
        "4": "filter_no_photo",
    }
    (folder / "remove1M.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match="no list of ids"):
        normalize(folder, standard_filter=True)


@pytest.mark.parametrize(
    ("line", "quantity"),
    [("12 cup milk", 0.5), ("13 cup milk", 1 / 3), ("34 tsp salt", 0.75), ("12 eggs", 12.0)],
)
def test_5_lost_fraction_slashes(
    clean: Callable[..., dict[str, Any]], line: str, quantity: float
) -> None:
    [ingredient] = clean(ingredients=lines(line))["ingredients"]
    assert ingredient["quantity"] == pytest.approx(quantity)
    assert ingredient["text"] == line


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Mac &amp;amp; Cheese", "Mac & Cheese"),  # 6
        ("\x93Best\x94 Pie", "“Best” Pie"),  # 7
        (r"\u00bd Pie", "½ Pie"),  # 8
        ("Mac%20and Cheese", "Mac and Cheese"),  # 9
        ("50% off Pie", "50% off Pie"),  # 9
        (r"Pie\n\t and Cake", "Pie and Cake"),  # 10
        (r"Pie\\nCake", "Pie Cake"),  # 10
    ],
)
def test_6_to_10_escapes(clean: Callable[..., dict[str, Any]], raw: str, expected: str) -> None:
    recipe = clean(title=raw, instructions=lines(raw))
    assert recipe["title"] == expected
    assert recipe["instructions"] == [expected]


def test_11_empty_ingredients(normalize: Normalize, make_dump: Dump, make_record: Make) -> None:
    records = [make_record(1, ingredients=lines("", "1 egg")), make_record(2, ingredients=[])]
    _, recipes, quarantine = normalize(make_dump(records))
    assert [len(recipe["ingredients"]) for recipe in recipes] == [1, 0]
    reasons = [(row["field"], row["reason"], row["detail"]) for row in quarantine]
    assert reasons == [("ingredients", "empty_line", "1"), ("ingredients", "missing", "")]


def test_12_sparse_recipes_may_be_dropped(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> None:
    records = [
        make_record(1),
        make_record(2, ingredients=lines("1 egg")),
        make_record(3, instructions=lines("Stir it for a very long time.")),
        make_record(4, instructions=lines("Mix.", "Bake.")),
    ]
    folder = make_dump(records)
    assert len(normalize(folder)[1]) == 4
    counts, recipes, _ = normalize(folder, sparse_filter=True)
    assert len(recipes) == 1
    for reason in ("few_ingredients", "few_instructions", "few_letters"):
        assert counts[f"filter_{reason}"] == 1


def test_13_headers_and_notes(clean: Callable[..., dict[str, Any]]) -> None:
    found = clean(ingredients=lines("For the sauce:", "1 cup milk", "(makes 4 servings)"))
    assert [(line["name"], line["group"]) for line in found["ingredients"]] == [
        ("milk", "For the sauce")
    ]


def test_14_and_15_broken_and_grey_photos(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> None:
    images = [{"id": f"{name}000.jpg"} for name in "abc"]
    folder = make_dump([make_record(1)], [{"id": "0000000001", "images": images}])
    for name in "ab":
        path = folder / "images/train" / name / "0/0/0" / f"{name}000.jpg"
        path.parent.mkdir(parents=True)
        Image.new("L", (8, 8), 99).save(path)
    path.write_bytes(path.read_bytes()[:50])
    counts, [recipe], quarantine = normalize(folder)
    assert [image["path"] is not None for image in recipe["images"]] == [True, False, False]
    expected = {"photos": 1, "photos_undecodable": 1, "photos_missing": 1}
    assert expected.items() <= counts.items()
    assert [row["reason"] for row in quarantine] == ["undecodable_image"]


def test_16_stale_databases_of_others_are_not_read(
    normalize: Normalize, make_dump: Dump, make_record: Make
) -> None:
    folder = make_dump([make_record(1)])
    before = normalize(folder)[1]
    (folder / "train_lmdb").mkdir()
    (folder / "train_lmdb" / "data.mdb").write_bytes(b"stale")
    assert normalize(folder)[1] == before


def test_17_and_20_detected_names_stay_apart(
    normalize: Normalize, make_dump: Dump, make_record: Make, tmp_path: Path
) -> None:
    folder = make_dump([make_record(1), make_record(2)])
    detected = [
        {"id": "0000000001", "valid": [True, False], "ingredients": lines("flour", "salt")},
        {"id": "0000000002", "valid": [True], "ingredients": lines("flour", "salt")},
    ]
    (folder / "det_ingrs.json").write_text(json.dumps(detected))
    counts, recipes, quarantine = normalize(folder)
    assert recipes[0]["ingredients"][0]["text"] == "2 cups invented flour"
    assert counts["detected"] == 1
    assert [row["reason"] for row in quarantine] == ["unequal_lengths"]
    [row] = read_parquet(tmp_path / "target/detected.parquet").to_pylist()
    assert row == {"recipe_id": "r1m:0000000001", "names": ["flour"]}
