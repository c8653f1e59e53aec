"""The frozen set carries what it needs, and its digest is of its content."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mmpipeline.config import FrozenSetConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.evaluation.suite.frozen_set import (
    count_trained_on,
    digest_frozen_set,
    draw_recipes,
    write_frozen_set,
)
from mmpipeline.storage import DataLayout
from mmpipeline.storage.segments import read_recipes
from tests.evaluation.frozen_catalog import make_rows, write_catalog

CONFIG = FrozenSetConfig()


def freeze(root: Path, name: str = "frozen", config: FrozenSetConfig = CONFIG) -> Path:
    catalog = write_catalog(root / "catalog", make_rows(root))
    counts = write_frozen_set(catalog, root / name, DataLayout.at(root), config)
    assert counts["photos_missing"] == 0
    return root / name


def test_only_held_out_recipes_are_drawn_evenly_over_dishes(tmp_path: Path) -> None:
    catalog = write_catalog(tmp_path, make_rows(tmp_path))
    drawn = draw_recipes(catalog, FrozenSetConfig(recipes=8))
    dish_of = [name.split(":")[1][0] for name in sorted(drawn)]
    assert dish_of == ["0", "0", "1", "1", "2", "2", "3", "3"]
    train = {row["recipe_id"] for row in make_rows(tmp_path) if row["split"] == "train"}
    assert not drawn & train
    assert draw_recipes(catalog, FrozenSetConfig(recipes=8)) == drawn
    assert draw_recipes(catalog, FrozenSetConfig(recipes=8, seed=7)) != drawn


def test_copies_and_dishes_of_one_recipe_are_left_out(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    for row in rows:
        if row["dish"] == "tofu":
            row["group_id"] = "g:one"
    drawn = draw_recipes(write_catalog(tmp_path, rows), CONFIG)
    assert len(drawn) == 12
    assert not any(name.startswith("r1m:1") for name in drawn)


def test_nothing_to_freeze_is_an_error(tmp_path: Path) -> None:
    rows = [row | {"split": "train"} for row in make_rows(tmp_path)]
    with pytest.raises(StageError, match="nothing to freeze"):
        draw_recipes(write_catalog(tmp_path, rows), CONFIG)


def test_it_outlives_catalogue_and_photos(tmp_path: Path) -> None:
    frozen = freeze(tmp_path)
    digest = digest_frozen_set(frozen)
    for photo in (tmp_path / "photos").iterdir():
        photo.unlink()
    (tmp_path / "catalog" / "recipes.parquet").unlink()
    assert digest_frozen_set(frozen) == digest
    (image,) = read_recipes(frozen)["images"][0].as_py()
    assert (frozen / image["path"]).is_file()


def test_a_missing_photo_is_a_missing_photo(tmp_path: Path) -> None:
    catalog = write_catalog(tmp_path / "catalog", make_rows(tmp_path))
    (tmp_path / "photos" / "0-3.png").unlink()
    counts = write_frozen_set(catalog, tmp_path / "frozen", DataLayout.at(tmp_path), CONFIG)
    assert (counts["recipes"], counts["photos"], counts["photos_missing"]) == (16, 15, 1)


def test_the_digest_is_of_the_content_not_of_its_packing(tmp_path: Path) -> None:
    frozen = freeze(tmp_path)
    digest, file = digest_frozen_set(frozen), frozen / "recipes.parquet"
    table = pq.read_table(file)
    pq.write_table(table, file, compression="zstd", row_group_size=3)
    assert digest_frozen_set(frozen) == digest
    rows = table.to_pylist()
    rows[0]["dish"] = "apple"
    pq.write_table(type(table).from_pylist(rows, table.schema), file)
    assert digest_frozen_set(frozen) != digest


def test_a_changed_photo_is_damage(tmp_path: Path) -> None:
    frozen = freeze(tmp_path)
    next((frozen / "photos").iterdir()).write_bytes(b"other")
    with pytest.raises(ArtifactError, match="the frozen set is damaged"):
        digest_frozen_set(frozen)


def test_recipes_that_a_new_catalogue_trains_on_are_counted(tmp_path: Path) -> None:
    frozen, rows = freeze(tmp_path), make_rows(tmp_path)
    assert count_trained_on(frozen, tmp_path / "catalog") == 0
    rows[2]["split"] = "train"  # by id
    rows[3] |= {"split": "train", "recipe_id": "r1m:other"}  # by content
    assert count_trained_on(frozen, write_catalog(tmp_path / "later", rows)) == 2
