"""Every coverage rule as a property on small random catalogues, against a naive ring."""

import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mmpipeline.config import PairConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.pairs import build_pairs
from mmpipeline.pairs.table import PAIR_SCHEMA
from mmpipeline.schemas import CATALOG_SCHEMA, SPLITS
from tests.pairs.tiny_catalog import (
    HELD_OUT,
    Row,
    anchor_of,
    make_pairs,
    partner_of,
    varied_rows,
    write_catalog,
)

CONFIG = PairConfig(positives=3, negatives=3, image_swaps=2, text_swaps=1, hard_negatives=2)
DISHES = ("dish-a", "dish-b", "dish-c", HELD_OUT)
NAMES = ("tofu", "kimchi", "rice", "beef", "egg")


@st.composite
def catalogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to 40 recipes of few dishes and groups, with gaps of every sort."""
    fields = st.fixed_dictionaries({
        "dish": st.sampled_from((*DISHES, "dish-a", None)),
        "split": st.sampled_from(("train", "train", "val", "test")),
        "group": st.sampled_from((None, None, None, "group-1", "group-2")),
        "language": st.sampled_from(("ko", "en")),
        "has_image": st.sampled_from((True, True, False)),
        "has_text": st.sampled_from((True, True, False)),
        "ingredients": st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    })
    rows = draw(st.lists(fields, min_size=6, max_size=40))
    return [{"recipe_id": f"r1m:{number:010x}", **row} for number, row in enumerate(rows)]


def place_key(recipe_id: str) -> int:
    """The first eight bytes of the md5 of seed and id, least significant first."""
    digest = hashlib.md5(f"{CONFIG.seed}:{recipe_id}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


class Made:
    """A catalogue and its pairs, and the naive ring to compare with."""

    def __init__(self, rows: list[Row], pairs: list[dict[str, Any]]) -> None:
        self.rows = {row.recipe_id: row for row in rows}
        self.pairs = pairs
        self.partners: dict[tuple[str, str], list[str]] = defaultdict(list)
        for pair in pairs:
            key = (anchor_of(pair), pair["kind"])
            self.partners[key].append(partner_of(pair))
        self.anchors = {anchor for anchor, _ in self.partners}

    def walk(self, anchor: Row) -> Iterator[Row]:
        """All recipes of the split that may pair, along the ring from the anchor on."""
        ring = sorted(
            (row for row in self.rows.values() if row.may_pair and row.split == anchor.split),
            key=lambda row: place_key(row.recipe_id),
        )
        start = ring.index(anchor)
        yield from ring[start + 1 :] + ring[:start]

    def siblings(self, anchor: Row) -> list[str]:
        if anchor.dish is None:
            return []
        return [row.recipe_id for row in self.walk(anchor) if row.dish == anchor.dish]

    def outsiders(self, anchor: Row) -> list[Row]:
        return [
            row
            for row in self.walk(anchor)
            if row.group_id != anchor.group_id
            and (anchor.dish is None or (row.dish is not None and row.dish != anchor.dish))
        ]


def check_every_recipe_with_a_positive_is_an_anchor(result: Made) -> None:
    expected = {
        row.recipe_id
        for row in result.rows.values()
        if row.may_pair and (row.is_whole or result.siblings(row))
    }
    assert result.anchors == expected


def check_positives_are_own_parts_and_next_siblings_on_the_ring(result: Made) -> None:
    for anchor in map(result.rows.get, result.anchors):
        own = [anchor.recipe_id] if anchor.is_whole else []
        assert result.partners[anchor.recipe_id, "positive_recipe"] == own
        siblings = result.siblings(anchor)[: CONFIG.positives]
        assert result.partners[anchor.recipe_id, "positive_dish"] == siblings


def check_negatives_are_the_next_outsiders_on_the_ring(result: Made) -> None:
    for anchor in map(result.rows.get, result.anchors):
        hard = result.partners[anchor.recipe_id, "negative_hard"]
        outsiders = [row.recipe_id for row in result.outsiders(anchor)]
        plain = [other for other in outsiders if other not in hard][: CONFIG.negatives]
        assert result.partners[anchor.recipe_id, "negative_both"] == plain
        assert set(hard) <= set(outsiders)


def check_swaps_take_the_next_whole_outsiders(result: Made) -> None:
    for anchor in map(result.rows.get, result.anchors):
        whole = [row.recipe_id for row in result.outsiders(anchor) if row.is_whole]
        whole = whole if anchor.is_whole else []
        images = result.partners[anchor.recipe_id, "negative_image"]
        texts = result.partners[anchor.recipe_id, "negative_text"]
        assert images == whole[: CONFIG.image_swaps]
        assert texts == whole[: CONFIG.text_swaps]


def check_pairs_stay_in_their_split_and_held_out_dishes_out_of_train(result: Made) -> None:
    for pair in result.pairs:
        sides = (pair["left_image"], pair["left_text"], pair["right_image"], pair["right_text"])
        recipes = [result.rows[side] for side in sides if side]
        assert {recipe.split for recipe in recipes} == {pair["split"]}
        assert pair["split"] != "train" or all(row.dish != HELD_OUT for row in recipes)


def check_labels_and_dishes_say_what_the_catalogue_says(result: Made) -> None:
    for pair in result.pairs:
        for part in ("left_image", "left_text", "right_image", "right_text"):
            row = result.rows.get(pair[part])
            assert pair[f"{part}_dish"] == (row.dish if row else None)
        left = result.rows[pair["left_image"] or pair["left_text"]]
        swapped = {
            "negative_image": [pair["right_image"]],
            "negative_text": [pair["right_text"]],
        }.get(pair["kind"], [pair["right_image"], pair["right_text"]])
        for other in (result.rows[part] for part in swapped if part):
            if pair["label"] == 1:
                assert other == left or (left.dish is not None and other.dish == left.dish)
            else:
                assert other.group_id != left.group_id
                assert left.dish is None or other.dish not in {left.dish, None}
        assert pair["label"] == int(pair["kind"].startswith("positive"))


def check_a_part_is_null_exactly_where_the_recipe_lacks_it(result: Made) -> None:
    for pair in result.pairs:
        anchor = result.rows[pair["left_image"] or pair["left_text"]]
        other = result.rows[pair["right_text"] or pair["right_image"]]
        image_of = anchor if pair["kind"] == "negative_text" else other
        if pair["kind"] == "negative_image":
            image_of = result.rows[pair["right_image"]]
        if pair["kind"] == "positive_recipe":
            assert anchor == other
            assert pair["left_text"] is None
            assert pair["right_image"] is None
            continue
        assert (pair["left_image"] is None) == (not anchor.has_image)
        assert (pair["left_text"] is None) == (not anchor.shows_text)
        assert (pair["right_image"] is None) == (not image_of.has_image)
        assert (pair["right_text"] is None) == (not other.shows_text)


def check_no_pair_twice_none_with_itself_and_anchors_together(result: Made) -> None:
    tuples = [
        (pair["left_image"], pair["left_text"], pair["right_image"], pair["right_text"])
        for pair in result.pairs
    ]
    assert len(set(tuples)) == len(tuples)
    assert len({pair["pair_id"] for pair in result.pairs}) == len(tuples)
    assert all(one[:2] != one[2:] for one in tuples)
    anchors = [one[0] or one[1] for one in tuples]
    blocks = 1 + sum(before != after for before, after in pairwise(anchors))
    assert blocks == len(set(anchors))
    for (_, kind), partners in result.partners.items():
        ranks = [pair["rank"] for pair in result.pairs if pair["kind"] == kind]
        assert min(ranks) == 1
        assert max(ranks) >= len(partners)


RULES = (
    check_every_recipe_with_a_positive_is_an_anchor,
    check_positives_are_own_parts_and_next_siblings_on_the_ring,
    check_negatives_are_the_next_outsiders_on_the_ring,
    check_swaps_take_the_next_whole_outsiders,
    check_pairs_stay_in_their_split_and_held_out_dishes_out_of_train,
    check_labels_and_dishes_say_what_the_catalogue_says,
    check_a_part_is_null_exactly_where_the_recipe_lacks_it,
    check_no_pair_twice_none_with_itself_and_anchors_together,
)


@pytest.mark.slow
@given(fields=catalogues())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_coverage_rule_on_random_catalogues(fields: list[dict[str, Any]]) -> None:
    rows = [Row(**row) for row in fields]
    with tempfile.TemporaryDirectory() as folder:
        try:
            pairs = make_pairs(Path(folder), rows, CONFIG)
        except StageError:
            assume(False)
    for check in RULES:
        check(Made(rows, pairs))


def test_file_has_the_promised_columns(tmp_path: Path) -> None:
    make_pairs(tmp_path, varied_rows(60, 5), CONFIG)
    schema = pq.read_schema(tmp_path / "pairs" / "pairs.parquet")
    assert schema.names == PAIR_SCHEMA.names
    assert schema.types == PAIR_SCHEMA.types


def test_no_row_group_cuts_an_anchor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mmpipeline.pairs.table.ROW_GROUP_PAIRS", 2048)
    pairs = make_pairs(tmp_path, varied_rows(900, 20), CONFIG)
    file = pq.ParquetFile(tmp_path / "pairs" / "pairs.parquet")
    assert file.num_row_groups > 2
    anchors_seen: set[str] = set()
    for number in range(file.num_row_groups):
        group = file.read_row_group(number).to_pylist()
        anchors = {anchor_of(pair) for pair in group}
        assert not anchors & anchors_seen
        anchors_seen |= anchors
    assert len(anchors_seen) == len({anchor_of(pair) for pair in pairs})


def test_same_bytes_for_any_row_order_and_thread_count(tmp_path: Path) -> None:
    rows = varied_rows(700, 12)
    digests = set()
    for number, (order, threads) in enumerate(((rows, 1), (rows[::-1], 2), (rows[7::2], 2))):
        folder = tmp_path / str(number)
        complete = [*order, *(row for row in rows if row not in order)]
        make_pairs(folder, complete, CONFIG, threads)
        content = (folder / "pairs" / "pairs.parquet").read_bytes()
        report = (folder / "pairs" / "report.json").read_bytes()
        digests.add(hashlib.sha256(content + report).hexdigest())
    assert len(digests) == 1


def test_another_seed_gives_other_pairs(tmp_path: Path) -> None:
    rows = varied_rows(300, 6)
    first = make_pairs(tmp_path / "1", rows, CONFIG)
    second = make_pairs(tmp_path / "2", rows, CONFIG.model_copy(update={"seed": 7}))

    def partners(pairs: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {
            (anchor_of(pair), partner_of(pair)) for pair in pairs if pair["kind"] == "negative_both"
        }

    assert len(partners(first) & partners(second)) < len(partners(first)) / 4


def test_growth_brings_new_partners_only_from_new_recipes(tmp_path: Path) -> None:
    rows = varied_rows(2020, 20)
    added = {row.recipe_id for row in rows[1000:1020]}
    old_rows = [row for row in rows if row.recipe_id not in added]

    def by_anchor(pairs: list[dict[str, Any]]) -> dict[str, set[tuple[str, str]]]:
        found = defaultdict(set)
        for pair in pairs:
            found[anchor_of(pair)].add((pair["kind"], partner_of(pair)))
        return found

    config = PairConfig()
    before = by_anchor(make_pairs(tmp_path / "old", old_rows, config))
    after = by_anchor(make_pairs(tmp_path / "new", rows, config))
    for anchor, pairs in before.items():
        fresh = {partner for _, partner in after[anchor] - pairs}
        assert fresh <= added
    unchanged = sum(pairs == after[anchor] for anchor, pairs in before.items())
    assert 0.88 <= unchanged / len(before) < 1


def test_cap_keeps_the_first_anchors_of_a_dish_and_weights_even_out_the_dishes(
    tmp_path: Path,
) -> None:
    rows = [Row(f"10k:{n}", dish="big" if n < 30 else "small") for n in range(40)]
    capped = make_pairs(
        tmp_path / "capped", rows, PairConfig(max_anchors_per_dish=5, class_balance=0)
    )
    anchors = {(pair["left_image_dish"], anchor_of(pair)) for pair in capped}
    assert Counter(dish for dish, _ in anchors) == {"big": 5, "small": 5}
    assert {pair["weight"] for pair in capped} == {1.0}

    balanced = make_pairs(tmp_path / "balanced", rows, PairConfig(class_balance=1))
    weights = {anchor_of(pair): pair["weight"] for pair in balanced}
    sums = Counter[str]()
    for row in rows:
        sums[row.dish] += weights[row.recipe_id]
    assert sums["big"] == pytest.approx(20)
    assert sums["small"] == pytest.approx(20)


def test_hard_negatives_come_from_the_dishes_that_share_most_ingredients(tmp_path: Path) -> None:
    recipes_of = {
        "stew": ("kimchi", "tofu", "pork"),
        "hot-pot": ("kimchi", "tofu", "beef"),
        "soup": ("kimchi", "seaweed", "clam"),
        "cake": ("flour", "sugar", "cream"),
        "bread": ("flour", "yeast", "milk"),
    }
    rows = [
        Row(f"10k:{dish}:{number}", dish=dish, ingredients=names)
        for dish, names in recipes_of.items()
        for number in range(4)
    ]
    config = PairConfig(look_alike_dishes=1, hard_negatives=2, common_fraction=1)
    pairs = make_pairs(tmp_path, rows, config)
    seen = {
        (pair["left_text_dish"], pair["right_text_dish"])
        for pair in pairs
        if pair["kind"] == "negative_hard"
    }
    assert {("stew", "hot-pot"), ("hot-pot", "stew"), ("cake", "bread")} <= seen
    assert {left for left, _ in seen} == set(recipes_of)
    assert len(seen) == len(recipes_of)  # one look-alike a dish


def test_held_out_dishes_pair_in_test_only(tmp_path: Path) -> None:
    rows = [
        Row(f"10k:{dish}:{split}:{number}", dish=dish, split=split)
        for dish in ("dish-a", "dish-b", HELD_OUT)
        for split in ("train", "test")
        for number in range(3)
    ]
    pairs = make_pairs(tmp_path, rows, CONFIG)
    by_split = {
        split: {pair["left_image_dish"] for pair in pairs if pair["split"] == split}
        for split in SPLITS
    }
    assert by_split["train"] == {"dish-a", "dish-b"}
    assert HELD_OUT in by_split["test"]
    report = json.loads((tmp_path / "pairs" / "report.json").read_text(encoding="utf-8"))
    assert report["counts"]["held_out_in_train"] == 3


def test_recipes_without_any_photo_still_pair_by_dish(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 3}", has_image=False) for n in range(12)]
    pairs = make_pairs(tmp_path, rows, CONFIG)
    assert {pair["kind"] for pair in pairs} <= {"positive_dish", "negative_both", "negative_hard"}
    counts = json.loads((tmp_path / "pairs" / "report.json").read_text(encoding="utf-8"))["counts"]
    assert counts["without_image"] == 12
    assert counts["negative_image"] == counts["positive_recipe"] == 0


def test_copies_are_listed_for_loaders(tmp_path: Path) -> None:
    rows = [
        Row(f"10k:{n}", dish=f"dish-{n % 2}", group="same" if n < 3 else None) for n in range(9)
    ]
    make_pairs(tmp_path, rows, CONFIG)
    copies = pq.read_table(tmp_path / "pairs" / "copies.parquet").to_pylist()
    first = min((row.recipe_id for row in rows[:3]), key=place_key)
    assert sorted(row["recipe_id"] for row in copies) == ["10k:0", "10k:1", "10k:2"]
    assert {row["first_recipe_id"] for row in copies} == {first}


def test_a_list_of_dishes_leaves_the_others_out_and_counts_them(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=(*DISHES[:3], None)[n % 4]) for n in range(16)]
    listed = CONFIG.model_copy(update={"dishes": ("dish-a", "dish-c")})
    pairs = make_pairs(tmp_path, rows, listed)
    assert {pair["right_text_dish"] for pair in pairs} == {"dish-a", "dish-c"}
    report = json.loads((tmp_path / "pairs" / "report.json").read_text(encoding="utf-8"))
    counts = report["counts"]
    assert (counts["not_in_dish_list"], counts["without_content"], counts["recipes"]) == (8, 0, 8)


def test_dishes_that_the_catalogue_lacks_are_named(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 3}") for n in range(9)]
    listed = CONFIG.model_copy(update={"dishes": ("dish-1", "soup", "stew")})
    with pytest.raises(StageError, match=r"no dish soup, stew, which pairs\.dishes names"):
        make_pairs(tmp_path, rows, listed)


def test_unlabelled_recipes_pair_their_own_photo_and_text(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=None, group="same" if n < 3 else None) for n in range(10)]
    pairs = make_pairs(tmp_path, rows, CONFIG)
    assert Counter(pair["kind"] for pair in pairs) == {
        "positive_recipe": 10,
        "negative_both": 30,
        "negative_image": 20,
        "negative_text": 10,
    }


def _empty() -> list[Row]:
    return []


def _one_dish() -> list[Row]:
    return [Row(f"10k:{n}") for n in range(5)]


def _no_train() -> list[Row]:
    return [Row(f"10k:{n}", dish=f"dish-{n % 2}", split="val") for n in range(8)]


def _no_positive() -> list[Row]:
    return [Row(f"10k:{n}", dish=f"dish-{n}", has_image=False) for n in range(5)]


def _repeated() -> list[Row]:
    return [Row(f"10k:{n % 4}", dish=f"dish-{n % 2}") for n in range(8)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_empty, "0 recipes"),
        (_one_dish, "5 recipes .* one dish"),
        (_no_train, "0 positive and 0 negative"),
        (_no_positive, "0 positive"),
        (_repeated, "repeats 4"),
    ],
)
def test_a_catalogue_without_pairs_is_an_error_with_counts(
    tmp_path: Path, rows: Callable[[], list[Row]], message: str
) -> None:
    with pytest.raises(StageError, match=message):
        make_pairs(tmp_path, rows(), CONFIG)
    assert not (tmp_path / "pairs" / "pairs.parquet").exists()


@pytest.mark.slow
def test_memory_limit_names_the_setting(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 7}") for n in range(20_000)]
    catalog = write_catalog(tmp_path / "catalog", rows)
    with pytest.raises(StageError, match="MMPIPELINE_DUCKDB_MEMORY"):
        build_pairs(catalog, tmp_path, CONFIG, tmp_path / "tmp", memory_limit="2MB", threads=1)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 2}") for n in range(8)]
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "pairs.parquet").symlink_to("/dev/full")
    with pytest.raises(StageError, match=r"disk is full .* free space"):
        make_pairs(tmp_path, rows, CONFIG)


def test_missing_damaged_or_foreign_catalogue(tmp_path: Path) -> None:
    def build() -> None:
        build_pairs(tmp_path, tmp_path, CONFIG, tmp_path / "tmp")

    with pytest.raises(ArtifactError, match=r"holds no recipes\.parquet"):
        build()
    (tmp_path / "recipes.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(ArtifactError, match="cannot be read"):
        build()
    foreign = CATALOG_SCHEMA.empty_table().drop_columns(["dish"])
    pq.write_table(pa.table(foreign), tmp_path / "recipes.parquet")
    with pytest.raises(ArtifactError, match="lacks dish"):
        build()
