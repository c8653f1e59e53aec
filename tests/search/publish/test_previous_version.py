"""A new version on an old one: what did not change is shared, what is gone is found no more."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mmpipeline.config import IndexConfig
from mmpipeline.features import extract_features
from mmpipeline.models import FusionModel, load_model, save_model
from mmpipeline.search.load import IndexParts, open_parts
from mmpipeline.search.publish.version import build_index
from mmpipeline.storage import DataLayout, read_parquet
from mmpipeline.storage.parquet import ParquetSink
from tests.search.conftest import FEATURES

SHARING = IndexConfig(max_dead_fraction=0.9)


def build(world: Path, catalog: Path, name: str, base: Path | None, config: IndexConfig) -> Path:
    """Make features of a catalogue and an index over them; return its folder."""
    features, target = world / f"features-{name}", world / f"index-{name}"
    features.mkdir()
    target.mkdir()
    extract_features(catalog, features, DataLayout.at(world / "data"), FEATURES)
    counts = build_index(world / "model", features, catalog, target, config, base)
    (target / "counts").write_text(repr(counts))
    return target


def change(world: Path, name: str, rows: list[dict]) -> Path:
    """Return a copy of the catalogue with these rows."""
    catalog = world / f"catalog-{name}"
    shutil.copytree(world / "catalog", catalog)
    schema = read_parquet(world / "catalog" / "recipes.parquet").schema
    rows.sort(key=lambda row: row["recipe_id"])
    (catalog / "recipes.parquet").unlink()
    with ParquetSink(catalog / "recipes.parquet", schema) as sink:
        sink.write_table(pa.Table.from_pylist(rows, schema))
    return catalog


def rows_of(world: Path) -> list[dict]:
    return read_parquet(world / "catalog" / "recipes.parquet").to_pylist()


def living(parts: IndexParts) -> dict[str, tuple[str, np.ndarray]]:
    """Return title and vector of every recipe that may be found."""
    rows = parts.living_rows()
    items = parts.items.take(pa.array(rows)).to_pylist()
    vectors = parts.space.take(rows)
    return {
        item["recipe_id"]: (item["title"], vector)
        for item, vector in zip(items, vectors, strict=True)
    }


@pytest.fixture
def base(world: Path) -> Path:
    return build(world, world / "catalog", "base", None, SHARING)


def test_added_changed_and_deleted_recipes_equal_a_version_made_anew(
    world: Path, base: Path
) -> None:
    rows = rows_of(world)[1:]  # without the one that has nothing in it
    gone = rows.pop(3)["recipe_id"]
    rows[5]["title"] = "다른 이름"
    rows.append(rows[7] | {"recipe_id": "r1m:new", "title": "새 요리"})
    catalog = change(world, "next", rows)
    on_base = open_parts(build(world, catalog, "on-base", base, SHARING))
    anew = open_parts(build(world, catalog, "anew", None, SHARING))
    assert "'embedded': 2.0, 'taken_over': 22.0" in (world / "index-on-base" / "counts").read_text()
    ours, theirs = living(on_base), living(anew)
    assert ours.keys() == theirs.keys()
    assert gone not in ours
    for recipe_id, (title, vector) in theirs.items():
        assert ours[recipe_id][0] == title
        np.testing.assert_allclose(ours[recipe_id][1], vector, atol=1e-6)
    query = theirs["r1m:new"][1]
    found = [
        [parts.items["recipe_id"][int(row)].as_py() for row in parts.space.find(query, 24)[0]]
        for parts in (on_base, anew)
    ]
    assert found[0] == found[1]
    infos = [{i.subset: i.items for i in parts.prototypes.infos} for parts in (on_base, anew)]
    assert infos[0] == infos[1]


def test_unchanged_segments_are_the_same_files(world: Path, base: Path) -> None:
    rows = [*rows_of(world), rows_of(world)[2] | {"recipe_id": "r1m:new"}]
    target = build(world, change(world, "next", rows), "next", base, SHARING)
    (shared,) = (path.name for path in (base / "segments").iterdir())
    for path in (base / "segments" / shared).iterdir():
        assert path.stat().st_ino == (target / "segments" / shared / path.name).stat().st_ino
    assert len(list((target / "segments").iterdir())) == 2


def test_segments_with_much_dead_in_them_are_written_anew(world: Path, base: Path) -> None:
    catalog = change(world, "less", rows_of(world)[:13])
    config = IndexConfig(max_dead_fraction=0.3)
    parts = open_parts(build(world, catalog, "less", base, config))
    assert parts.alive is None  # compacted: nothing dead is left
    assert parts.living == 12
    assert "'embedded': 0.0, 'taken_over': 12.0" in (world / "index-less" / "counts").read_text()


def test_a_base_of_another_model_is_left_aside(world: Path, base: Path) -> None:
    other = load_model(world / "model")
    save_model(FusionModel(other.dims, 16, other.embedding_dim), world / "model")
    build(world, world / "catalog", "other", base, SHARING)
    assert "'taken_over': 0.0" in (world / "index-other" / "counts").read_text()
