"""The pairs of one anchor, as a person sees them."""

from pathlib import Path

import pytest

from mmpipeline.config import PairConfig
from mmpipeline.errors import ArtifactError, QueryError
from mmpipeline.pairs import anchor_pairs
from tests.pairs.tiny_catalog import Row, make_pairs


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 3}", has_image=n != 1) for n in range(9)]
    rows.append(Row("10k:alone", dish="dish-z", has_image=False))
    make_pairs(tmp_path, rows, PairConfig())
    return tmp_path / "pairs", tmp_path / "catalog"


def test_pairs_carry_titles_and_kinds(folders: tuple[Path, Path]) -> None:
    pairs = anchor_pairs(*folders, "10k:0")
    assert [pair.kind for pair in pairs] == [
        "positive_recipe",
        *["positive_dish"] * 2,
        *["negative_both"] * 4,
        "negative_image",
        "negative_text",
    ]
    assert {pair.left_title for pair in pairs} == {"title of 10k:0"}
    assert {pair.left_dish for pair in pairs} == {"dish-0"}
    positive, swap = pairs[1], pairs[7]
    assert positive.right_text_title == f"title of {positive.right_text}"
    assert positive.right_text_dish == "dish-0"
    assert swap.right_text == "10k:0"
    assert swap.right_image_title == f"title of {swap.right_image}"
    assert swap.right_image_dish != "dish-0"


def test_an_anchor_without_photo_is_found_by_its_text(folders: tuple[Path, Path]) -> None:
    pairs = anchor_pairs(*folders, "10k:1")
    assert {pair.left_text for pair in pairs} == {"10k:1"}
    assert {pair.left_image for pair in pairs} == {None}


def test_a_recipe_that_is_no_anchor_has_no_pairs(folders: tuple[Path, Path]) -> None:
    assert anchor_pairs(*folders, "10k:alone") == []


def test_unknown_recipe_and_missing_tables(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no recipe '10k:77'"):
        anchor_pairs(*folders, "10k:77")
    with pytest.raises(ArtifactError, match="no table"):
        anchor_pairs(tmp_path, folders[1], "10k:0")
