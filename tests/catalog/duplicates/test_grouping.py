from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.catalog.build import build_catalog
from mmpipeline.catalog.duplicates.grouping import part_mixed_groups
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.schemas import Recipe, RecipeImage
from mmpipeline.storage import read_parquet

MakeRecipe = Callable[..., Recipe]
WriteSource = Callable[..., Path]
Row = dict[str, Any]
WORDS = [f"word{number}" for number in range(400)]


def text(start: int, changed: int = 0, length: int = 60) -> tuple[str, ...]:
    words = WORDS[start : start + length]
    words[:changed] = [f"other{number}" for number in range(changed)]
    return (" ".join(words),)


@pytest.fixture
def refresh(tmp_path: Path, write_source: WriteSource) -> Callable[..., dict[str, Row]]:
    """Build version after version, each over the one before."""
    versions: list[Path] = []

    def build(recipes: Sequence[Recipe]) -> dict[str, Row]:
        target = tmp_path / f"v{len(versions)}"
        target.mkdir()
        source = write_source("source", recipes)
        previous = versions[-1] if versions else None
        spill = tmp_path / "spill"
        build_catalog(
            {"r1m": source}, target, CatalogConfig(), spill, "500MB", 1, previous=previous
        )
        assert list(spill.iterdir()) == []
        versions.append(target)
        rows = read_parquet(target / "recipes.parquet").to_pylist()
        sides: dict[str, set[str]] = {}
        for row in rows:
            if row["split"] != "excluded":
                sides.setdefault(row["group_id"], set()).add(row["split"])
        assert all(len(found) == 1 for found in sides.values())
        return {row["recipe_id"]: row for row in rows}

    return build


def test_near_copies_share_a_group(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]]
) -> None:
    rows = refresh([
        make_recipe("r1m:a", instructions=text(0)),
        make_recipe("r1m:b", instructions=text(0, changed=4)),
        make_recipe("r1m:c", instructions=text(0, changed=40)),
    ])
    groups = {name: row["group_id"] for name, row in rows.items()}
    assert groups == {"r1m:a": "r1m:a", "r1m:b": "r1m:a", "r1m:c": "r1m:c"}


def test_an_unlabelled_copy_takes_the_label(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]]
) -> None:
    rows = refresh([
        make_recipe("r1m:a", title="Kimchi Stew", instructions=text(0)),
        make_recipe("r1m:b", title="Something Nice", instructions=text(0)),
    ])
    assert (rows["r1m:b"]["dish"], rows["r1m:b"]["dish_source"]) == ("kimchi-jjigae", "copy")


def test_a_recipe_never_changes_side(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]]
) -> None:
    old = [make_recipe(f"10k:{number + 50}", instructions=text(number * 3, length=40))
           for number in range(40)]  # fmt: skip
    before = refresh(old)
    newer = [make_recipe(f"10k:{number}", instructions=text(number * 3, changed=3, length=40))
             for number in range(40)]  # fmt: skip
    after = refresh([*newer, *old])  # the new ones are first in every group
    assert {name: after[name]["split"] for name in before} == {
        name: row["split"] for name, row in before.items()
    }
    for number in range(40):
        assert after[f"10k:{number}"]["split"] in {
            before[f"10k:{number + 50}"]["split"],
            "excluded",
        }


@pytest.mark.slow
def test_what_links_sides_is_excluded(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]]
) -> None:
    first = make_recipe("r1m:a", instructions=text(0), source_partition="train", photo="p1")
    other = make_recipe("r1m:b", instructions=text(100), source_partition="test", photo="p2")
    before = refresh([first, other])
    photos = (*first.images, *other.images)
    link = make_recipe("r1m:0", instructions=text(200), images=photos)
    after = refresh([first, other, link])
    assert {name: row["split"] for name, row in after.items()} == {
        "r1m:a": "train",
        "r1m:b": "test",
        "r1m:0": "excluded",
    }
    assert after["r1m:a"]["group_id"] == before["r1m:a"]["group_id"]
    again = refresh([first, other, link])
    assert again["r1m:0"]["split"] == "excluded"
    free = refresh([first, make_recipe("r1m:c"), link])
    assert free["r1m:0"]["split"] == "train"  # what linked it to the other side is gone


@pytest.mark.slow
def test_a_deleted_recipe_leaves_a_tombstone_and_comes_back_to_its_side(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]], tmp_path: Path
) -> None:
    gone = make_recipe("r1m:a", instructions=text(0), source_partition="val")
    kept = make_recipe("r1m:b", instructions=text(100))
    refresh([gone, kept])
    refresh([kept])
    refresh([kept])
    tombstones = read_parquet(tmp_path / "v2/tombstones.parquet").to_pylist()
    assert [(row["recipe_id"], row["split"]) for row in tombstones] == [("r1m:a", "val")]
    back = refresh([make_recipe("r1m:a", instructions=text(0), source_partition="test"), kept])
    assert back["r1m:a"]["split"] == "val"
    assert read_parquet(tmp_path / "v3/tombstones.parquet").num_rows == 0


def test_of_two_old_copies_on_different_sides_the_newer_is_excluded() -> None:
    members = [
        ("a", "a", "a", "train", True),
        ("b", "a", "b", "test", True),
        ("c", "a", None, None, None),
        ("d", "a", "a", "train", False),
    ]
    assert part_mixed_groups(members, [("b", "a"), ("a", "c"), ("x", "y")]) == [
        ("a", "a", False),
        ("b", "a", True),
        ("c", "a", True),
        ("d", "a", True),
    ]


def test_what_is_taken_apart_is_named_by_a_member_that_stays() -> None:
    """The old name may be the id of a recipe that goes its own way, and names its own group."""
    members = [
        ("a", "a", "a", "train", False),
        ("b", "a", "a", "train", True),
        ("c", "a", "a", "train", True),
        ("t", "a", "t", "test", True),
    ]
    assert part_mixed_groups(members, [("a", "t"), ("t", "c")]) == [
        ("a", "a", True),
        ("b", "b", False),
        ("c", "b", False),
        ("t", "a", True),
    ]


@pytest.mark.slow
def test_a_recipe_that_leaves_its_group_moves_nobody_else(
    make_recipe: MakeRecipe, refresh: Callable[..., dict[str, Row]]
) -> None:
    def recipe(name: str, start: int, side: str, *photos: str, changed: int = 0) -> Recipe:
        images = tuple(RecipeImage(id=p, path=f"photos/{p}.jpg", sha256=p) for p in photos)
        words = text(start, changed)
        return make_recipe(f"r1m:{name}", instructions=words, source_partition=side, images=images)

    old = [
        recipe("b", 0, "train", "pb", changed=4),
        recipe("t", 100, "test", "pt"),
        recipe("v", 200, "val"),
    ]
    first = refresh([recipe("a", 0, "train"), *old])
    assert first["r1m:b"]["group_id"] == "r1m:a"
    link = recipe("d", 300, "train", "pb", "pt")
    second = refresh([recipe("a", 340, "train", "pt"), *old, link])
    assert [second[f"r1m:{name}"]["split"] for name in "abtd"] == [
        "excluded", "train", "test", "excluded",
    ]  # fmt: skip
    third = refresh([recipe("a", 200, "train"), *old, link])  # a copy of v now, and of no other
    assert {name: third[f"r1m:{name}"]["split"] for name in "abtv"} == {
        "a": "val", "b": "train", "t": "test", "v": "val",
    }  # fmt: skip


def test_a_damaged_catalogue_before_is_refused(
    make_recipe: MakeRecipe, write_source: WriteSource, tmp_path: Path
) -> None:
    source = write_source("source", [make_recipe("r1m:a")])
    target, previous = tmp_path / "target", tmp_path / "previous"
    for folder in (target, previous):
        folder.mkdir()
    (previous / "recipes.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="cannot be read"):
        build_catalog(
            {"r1m": source}, target, CatalogConfig(), tmp_path, "500MB", 1, previous=previous
        )
