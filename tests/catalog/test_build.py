import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.catalog.build import DISHES_SCHEMA, build_catalog
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.schemas import CATALOG_SCHEMA, QuarantineRow, Recipe
from mmpipeline.storage import read_parquet

MakeRecipe = Callable[..., Recipe]
WriteSource = Callable[..., Path]
Row = dict[str, Any]


def build(sources: Mapping[str, Path], threads: int = 2, **config: float) -> dict[str, Row]:
    """Build beside the first source, check the artifact's form, return rows by recipe."""
    target = next(iter(sources.values())).parent / "catalog"
    target.mkdir(exist_ok=True)
    counts = build_catalog(
        sources, target, CatalogConfig(**config), target.parent / "spill", "500MB", threads
    )
    table = read_parquet(target / "recipes.parquet")
    assert table.schema == CATALOG_SCHEMA
    ids = table["recipe_id"].to_pylist()
    assert ids == sorted(set(ids))
    assert counts["recipes"] == len(ids)
    return {row["recipe_id"]: row for row in table.to_pylist()}


def test_labels_and_where_they_come_from(
    make_recipe: MakeRecipe, write_source: WriteSource
) -> None:
    korean = [
        make_recipe("10k:1", dish_name="김치찌개", title="불고기 만들기"),
        make_recipe("10k:2", dish_name="갈치국", title="제주 갈치국"),
        make_recipe("10k:3", dish_name="갈치 국", title="시원한 국"),
        make_recipe("10k:4", dish_name="나만의국", title="돼지고기 김치찌게 황금레시피"),
        make_recipe("10k:5", title="오늘 저녁"),
    ]
    english = [make_recipe("r1m:a", title="Easy Kimchi Stew")]
    rows = build({"ten": write_source("ten", korean), "r1m": write_source("r1m", english)})
    labels = {
        name: (row["dish"], row["dish_source"], row["dish_confidence"])
        for name, row in rows.items()
    }
    assert labels == {
        "10k:1": ("kimchi-jjigae", "page", 1.0),
        "10k:2": ("ko:갈치국", "page", pytest.approx(0.9)),
        "10k:3": ("ko:갈치국", "page", pytest.approx(0.9)),
        "10k:4": ("kimchi-jjigae", "title", pytest.approx(0.8)),
        "10k:5": (None, None, None),
        "r1m:a": ("kimchi-jjigae", "title", pytest.approx(0.9)),
    }
    assert rows["10k:5"]["dish_set"] is None
    dishes = read_parquet(write_source("x", []).parent / "catalog/dishes.parquet")
    assert dishes.schema == DISHES_SCHEMA
    names = {
        row["dish"]: (row["name_ko"], row["name_en"], row["recipes"]) for row in dishes.to_pylist()
    }
    assert names == {
        "kimchi-jjigae": ("김치찌개", "kimchi jjigae", 3),
        "ko:갈치국": ("갈치 국", None, 2),
    }


def test_a_dish_of_two_languages_has_one_label(
    make_recipe: MakeRecipe, write_source: WriteSource
) -> None:
    korean = [make_recipe(f"10k:{number}", title="엄마표 갈치국") for number in range(2)]
    english = [make_recipe(f"r1m:{letter}", title="Easy Galchi Guk") for letter in "ab"]
    rows = build({"ten": write_source("ten", korean), "r1m": write_source("r1m", english)})
    assert {row["dish"] for row in rows.values()} == {"ko:갈치국"}
    [dish] = read_parquet(write_source("x", []).parent / "catalog/dishes.parquet").to_pylist()
    assert (dish["name_ko"], dish["name_en"], dish["recipes"]) == ("갈치국", "galchi guk", 4)


def test_copies_share_a_group_and_a_side(
    make_recipe: MakeRecipe, write_source: WriteSource
) -> None:
    same = {"title": "The same title", "instructions": ("Exactly the same long step.",)}
    shouted = {"title": "THE SAME TITLE!", "instructions": ("Exactly the same, long step!",)}
    recipes = [
        make_recipe("r1m:a", source_partition="train", **same),
        make_recipe("r1m:b", source_partition="test", photo="p1", **shouted),
        make_recipe("r1m:c", source_partition="val", photo="p1"),
        make_recipe("r1m:d", source_partition="val"),
    ]
    rows = build({"r1m": write_source("r1m", recipes)})
    assert {name: row["group_id"] for name, row in rows.items()} == {
        "r1m:a": "r1m:a",
        "r1m:b": "r1m:a",
        "r1m:c": "r1m:a",
        "r1m:d": "r1m:d",
    }
    assert [row["split"] for row in rows.values()] == ["test", "test", "test", "val"]
    assert rows["r1m:a"]["content_hash"] == rows["r1m:b"]["content_hash"]
    assert rows["r1m:a"]["content_hash"] != rows["r1m:c"]["content_hash"]


def test_little_content_or_a_placeholder_photo_is_no_evidence(
    make_recipe: MakeRecipe, write_source: WriteSource
) -> None:
    bare = {"title": "김치찌개", "ingredients": (), "instructions": ()}
    recipes = [make_recipe(f"10k:{number}", **bare) for number in range(3)]
    recipes += [make_recipe(f"10k:{number}", photo="no-photo") for number in range(10, 16)]
    rows = build({"ten": write_source("ten", recipes)})
    assert all(row["group_id"] == name for name, row in rows.items())


@pytest.mark.slow
def test_sides_and_dish_sets_are_stable_as_the_data_grow(
    make_recipe: MakeRecipe, write_source: WriteSource
) -> None:
    def named(number: int) -> Recipe:
        return make_recipe(f"10k:{number}", dish_name=f"음식{chr(0xAC00 + number % 60)}")

    few = build({"ten": write_source("ten", [named(number) for number in range(400)])})
    many = build({
        "ten": write_source(
            "ten",
            [named(number) for number in range(399, -1, -1)]
            + [named(number) for number in range(400, 1500)],
        )
    })
    for column in ("split", "dish_set", "dish", "group_id", "content_hash"):
        assert {name: many[name][column] for name in few} == {
            name: row[column] for name, row in few.items()
        }
    shares = {
        split: sum(row["split"] == split for row in many.values()) / len(many)
        for split in ("train", "val", "test")
    }
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.04)
    sets = {row["dish"]: row["dish_set"] for row in many.values()}
    assert 2 <= sum(value == "unknown" for value in sets.values()) <= 18
    other = build({"ten": write_source("ten", [named(number) for number in range(400)])}, seed=7)
    assert {row["split"] for row in other.values()} == {"train", "val", "test"}
    assert any(other[name]["split"] != row["split"] for name, row in few.items())


def test_the_bytes_do_not_depend_on_order_or_threads(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    korean = [
        make_recipe(f"10k:{n}", photo=f"p{n // 2}", dish_name=f"음식{n % 9}") for n in range(300)
    ]
    english = [make_recipe(f"r1m:{n}", title="Best Pizza") for n in range(300)]
    notes = [QuarantineRow(source="10k", place=f"u{n}", reason="r") for n in range(5)]
    results = []
    for turn, threads in ((1, 1), (-1, 2)):
        ten = write_source("ten", korean[::turn], notes[::turn])
        r1m = write_source("r1m", english[::turn])
        sources = dict([("tenthousand_recipe", ten), ("recipe1m", r1m)][::turn])
        build(sources, threads=threads)
        names = ("recipes.parquet", "dishes.parquet", "quarantine.parquet", "quality.json")
        results.append([(tmp_path / "catalog" / name).read_bytes() for name in names])
    assert results[0] == results[1]


def test_quality_and_counts(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    ten = write_source(
        "ten",
        [make_recipe("10k:1", dish_name="김밥", photo="p"), make_recipe("10k:2", title=None)],
        [QuarantineRow(source="10k", place="url", reason="missing", field="title")],
    )
    r1m = write_source("r1m", [make_recipe("r1m:1", language="other", instructions=())])
    counts = build_catalog(
        {"ten": ten, "r1m": r1m}, tmp_path, CatalogConfig(), tmp_path / "spill", "500MB", 1
    )
    expected = {"recipes": 3, "labelled": 1, "dishes": 1, "duplicates": 0, "quarantined": 1}
    assert expected.items() <= counts.items()
    assert counts["train"] + counts["val"] + counts["test"] == 3
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert quality["recipes_by"]["language"] == {"ko": 2, "other": 1}
    assert quality["recipes_by"]["source"] == {"10k": 2, "r1m": 1}
    assert quality["missing"]["10k"] == {
        "title": 1, "ingredients": 0, "instructions": 0, "photo": 1, "dish": 1
    }  # fmt: skip
    assert quality["missing"]["r1m"]["instructions"] == 1
    assert quality["quarantine"] == [{"source": "10k", "reason": "missing", "rows": 1}]
    assert quality["frequent_dishes"] == [{"dish": "kimbap", "recipes": 1}]
    quarantine = read_parquet(tmp_path / "quarantine.parquet").to_pylist()
    assert [row["place"] for row in quarantine] == ["url"]


def test_what_cannot_be_built(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match="no recipes in"):
        build({"ten": write_source("ten", [])})
    source = write_source("one", [make_recipe("10k:1")])
    with pytest.raises(StageError, match="1 recipe ids occur twice in a, b"):
        build({"a": source, "b": source})
    with pytest.raises(ArtifactError, match="cannot be read"):
        build({"none": tmp_path / "none"})
    (source / "recipes.parquet").write_bytes((source / "quarantine.parquet").read_bytes())
    with pytest.raises(ArtifactError, match="lacks the columns"):
        build({"one": source})
    with pytest.raises(StageError, match="no source"):
        build_catalog({}, tmp_path, CatalogConfig(), tmp_path, "500MB", 1)
