"""Merging equals building anew, row by row, and rewrites nothing that did not change."""

import logging
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmpipeline.catalog import merging
from mmpipeline.catalog.build import write_catalog
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.schemas import CATALOG_SCHEMA, RECIPE_SCHEMA, Recipe
from mmpipeline.storage.segments import list_segments, read_recipes

MakeRecipe = Callable[..., Recipe]
WriteSource = Callable[..., Path]
Row = dict[str, Any]
ALWAYS, NEVER = CatalogConfig(compact_fraction=1), CatalogConfig(compact_fraction=0)
WORDS = ["flour", "water", "salt", "egg", "milk", "butter", "sugar", "honey", "rice", "barley"]


def build(
    source: Path | dict[str, Path], target: Path, previous: Path | None, config: CatalogConfig
) -> dict[str, Row]:
    target.mkdir()
    sources = source if isinstance(source, dict) else {"ten": source}
    write_catalog(sources, target, config, target.parent / "spill", "500MB", 1, previous)
    table = read_recipes(target)
    assert table.schema == CATALOG_SCHEMA
    rows = table.to_pylist()
    found = {row["recipe_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def describe(make_recipe: MakeRecipe, number: int, kind: int) -> Recipe:
    """Return a recipe of few kinds, so that copies, shared photos and rare dish names occur."""
    words = [WORDS[(kind + step * (1 + kind % 3)) % len(WORDS)] for step in range(24)]
    return make_recipe(
        f"10k:{number}",
        photo=f"p{kind}" if kind % 4 == 1 else None,
        title=f"할머니 {('갈치국', '김치찌개', '그냥 저녁')[kind % 3]}",
        dish_name="나만의국" if kind % 5 == 2 else None,
        instructions=(" ".join(words),),
    )


VERSIONS = st.lists(
    st.dictionaries(st.integers(0, 11), st.integers(0, 7), min_size=3), min_size=2, max_size=3
)


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(versions=VERSIONS)
def test_merging_equals_building_anew(
    make_recipe: MakeRecipe,
    write_source: WriteSource,
    tmp_path_factory: pytest.TempPathFactory,
    versions: Sequence[dict[int, int]],
) -> None:
    folder = tmp_path_factory.mktemp("versions")
    merged = anew = None
    for turn, version in enumerate(versions):
        recipes = [describe(make_recipe, *item) for item in version.items()]
        source = write_source(f"{folder.name}-{turn}", recipes)
        places = folder / f"merged-{turn}", folder / f"anew-{turn}"
        rows = build(source, places[0], merged, ALWAYS), build(source, places[1], anew, NEVER)
        merged, anew = places
        assert rows[0].keys() == rows[1].keys()
        for recipe_id, row in rows[1].items():
            if "mined" not in {row["dish_source"], rows[0][recipe_id]["dish_source"]}:
                assert rows[0][recipe_id] == row
        assert len(list_segments(anew)) == 1
        tombstones = [pq.read_table(place / "tombstones.parquet") for place in places]
        assert tombstones[0] == tombstones[1]


def test_what_did_not_change_is_not_rewritten(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    recipes = [make_recipe(f"10k:{number}") for number in range(40)]
    build(write_source("a", recipes), tmp_path / "first", None, CatalogConfig())
    changed = [*recipes[1:], make_recipe("10k:1", title="다른 제목"), make_recipe("10k:90")]
    del changed[0]
    rows = build(
        write_source("b", changed), tmp_path / "second", tmp_path / "first", CatalogConfig()
    )
    first, second = tmp_path / "first", tmp_path / "second"
    assert Path(first / "recipes.parquet").samefile(second / "recipes.parquet")
    added = pq.read_table(second / "segments/0001.parquet")["recipe_id"].to_pylist()
    assert added == ["10k:1", "10k:90"]
    assert "10k:0" not in rows
    assert rows["10k:1"]["title"] == "다른 제목"
    gone = pq.read_table(second / "retired.parquet").to_pylist()
    assert gone == [{"segment": 0, "recipe_id": "10k:0"}, {"segment": 0, "recipe_id": "10k:1"}]
    assert pq.read_table(second / "tombstones.parquet")["recipe_id"].to_pylist() == ["10k:0"]
    again = build(write_source("b", changed), tmp_path / "third", second, CatalogConfig())
    assert again == rows
    assert len(list_segments(tmp_path / "third")) == 2


def test_labels_of_old_recipes_change_in_the_overlay(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    recipes = [make_recipe(f"10k:{number}") for number in range(20)]
    recipes.append(make_recipe("10k:50", dish_name="나만의국"))
    first = build(write_source("a", recipes), tmp_path / "first", None, CatalogConfig())
    assert first["10k:50"]["dish"] is None
    recipes.append(make_recipe("10k:51", dish_name="나만의 국"))
    source = write_source("b", recipes)
    rows = build(source, tmp_path / "second", tmp_path / "first", CatalogConfig())
    assert rows["10k:50"]["dish"] == "ko:나만의국"
    overlay = pq.read_table(tmp_path / "second/overlay.parquet")
    assert overlay["recipe_id"].to_pylist() == ["10k:50"]


def test_mined_names_stay_as_they_were_learnt(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    old = [
        make_recipe(f"10k:{number}", title=f"갈낙국 {'만들기' * (number % 2)}")
        for number in range(9)
    ]
    build(write_source("a", old), tmp_path / "first", None, CatalogConfig())
    new = [*old, make_recipe("10k:20", title="제주 갈낙국")]
    rows = build(write_source("b", new), tmp_path / "second", tmp_path / "first", CatalogConfig())
    assert (rows["10k:20"]["dish"], rows["10k:20"]["dish_source"]) == ("ko:갈낙국", "mined")


def test_an_unchanged_source_is_not_read(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    big = write_source("big", [make_recipe(f"r1m:{number}") for number in range(30)])
    one = write_source("one", [make_recipe("10k:1")])
    two = write_source("two", [make_recipe("10k:1"), make_recipe("10k:2")])
    first = build({"r1m": big, "ten": one}, tmp_path / "first", None, CatalogConfig())
    rows = build({"r1m": big, "ten": two}, tmp_path / "second", tmp_path / "first", CatalogConfig())
    assert rows.keys() - first.keys() == {"10k:2"}
    without = build({"ten": two}, tmp_path / "third", tmp_path / "second", ALWAYS)
    assert without.keys() == {"10k:1", "10k:2"}


@pytest.mark.parametrize("reason", ["much", "code", "threshold"])
def test_built_anew(
    make_recipe: MakeRecipe,
    write_source: WriteSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    recipes = [make_recipe(f"10k:{number}") for number in range(20)]
    build(write_source("a", recipes), tmp_path / "first", None, CatalogConfig())
    recipes += [
        make_recipe(f"10k:{number}") for number in range(50, 60 if reason == "much" else 51)
    ]
    if reason == "code":
        monkeypatch.setattr(merging, "MADE_BY", ("mmpipeline.catalog.quality:measure_quality",))
    config = CatalogConfig(min_dish_recipes=3 if reason == "threshold" else 2)
    with caplog.at_level(logging.INFO):
        build(write_source("b", recipes), tmp_path / "second", tmp_path / "first", config)
    said = "Catalogue first was made in another way: all is built anew, sides stay."
    assert (said in caplog.messages) == (reason != "much")
    assert len(list_segments(tmp_path / "second")) == 1
    assert not (tmp_path / "second/overlay.parquet").exists()


def test_a_damaged_version_is_not_merged_into(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    source = write_source("a", [make_recipe("10k:1")])
    build(source, tmp_path / "first", None, CatalogConfig())
    (tmp_path / "first/merge/0000/facts.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="cannot be merged into"):
        build(source, tmp_path / "second", tmp_path / "first", CatalogConfig())
    (tmp_path / "first/merge/state.json").write_text("[]")
    with pytest.raises(ArtifactError, match=r"state\.json cannot be read"):
        build(source, tmp_path / "third", tmp_path / "first", CatalogConfig())


def test_a_file_is_shared(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    merging.share_file(tmp_path / "a", tmp_path / "deep/b")
    assert Path(tmp_path / "a").samefile(tmp_path / "deep/b")


MOVED: list[tuple[Row, Row]] = [
    ({"tags": ("a", "b"), "categories": ("c",)}, {"tags": ("a",), "categories": ("b", "c")}),
    ({"tags": ("a",), "categories": ()}, {"tags": (), "categories": ("a",)}),
    ({"instructions": ("Mix.", "Bake."), "images": ()}, {"instructions": ("Mix.Bake.",)}),
    ({"tags": ("",)}, {"tags": ()}),
    ({"tags": ("a,b",)}, {"tags": ("a", "b")}),
    ({"level": None}, {"level": ""}),
    ({"intro": "a", "dish_name": None}, {"intro": None, "dish_name": "a"}),
]


def test_what_moved_to_a_neighbouring_column_is_read_again(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    before, after = (
        [
            *(make_recipe(f"10k:{number}", **pair[turn]) for number, pair in enumerate(MOVED)),
            *(make_recipe(f"10k:{number}") for number in range(20, 40)),
        ]
        for turn in (0, 1)
    )
    build(write_source("before", before), tmp_path / "first", None, ALWAYS)
    source = write_source("after", after)
    merged = build(source, tmp_path / "merged", tmp_path / "first", ALWAYS)
    assert merged == build(source, tmp_path / "anew", None, ALWAYS)


TEXTS = (None, "", "a", "b", "a,b", '","', "[]", "null", "\n")
LISTS = (None, [], [None], *([text] for text in TEXTS[1:]), ["a", "b"], ["b", "a"], ["", ""])


def test_unequal_rows_have_unequal_hashes() -> None:
    columns = {"tags": LISTS, "categories": LISTS, "level": TEXTS[:4], "intro": TEXTS[:4]}
    rows = [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]
    schema = pa.schema([RECIPE_SCHEMA.field(name).with_nullable(True) for name in columns])
    with duckdb.connect() as connection:
        connection.register("rows", pa.Table.from_pylist(rows, schema))
        distinct = f"SELECT count(DISTINCT {merging.hash_sql(schema)}) FROM rows"
        assert connection.sql(distinct).fetchall() == [(len(rows),)]
