"""Look-alike dishes from an earlier model's vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.config import PairConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.pairs import build_pairs
from tests.pairs.tiny_catalog import Row, anchor_of, partner_of, write_catalog

CONFIG = PairConfig(hard_negatives=2, look_alike_dishes=1)
ANGLE = {"stew": 0.0, "soup": 0.2, "cake": 2.0, "bread": 2.3}
ROWS = [
    Row(
        f"10k:{dish}:{number}",
        dish=dish,
        split=("train", "train", "train", "test", "test")[number],
        ingredients=("water",) if dish in {"stew", "cake"} else ("flour",),  # would pair them
    )
    for dish in ANGLE
    for number in range(5)
]


def write_embedding(folder: Path, rows: list[Row], order: list[int] | None = None) -> Path:
    """Each recipe near its dish's angle; in the test split, stew lies beside bread."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [rows[i] for i in (order or range(len(rows)))]
    noise = {row.recipe_id: 0.01 * number for number, row in enumerate(rows)}
    angles = np.array([
        noise[row.recipe_id]
        + (2.5 if row.dish == "stew" and row.split == "test" else ANGLE[str(row.dish)])
        for row in chosen
    ])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    np.save(folder / "vectors.npy", vectors)
    pq.write_table(
        pa.table({"recipe_id": [row.recipe_id for row in chosen]}), folder / "items.parquet"
    )
    return folder


def build(folder: Path, embedding: Path, rows: list[Row] = ROWS) -> list[dict[str, Any]]:
    catalog = write_catalog(folder / "catalog", rows)
    (folder / "pairs").mkdir(exist_ok=True)
    build_pairs(catalog, folder / "pairs", CONFIG, folder / "tmp", "256MB", 1, embedding=embedding)
    pairs: list[dict[str, Any]] = pq.read_table(folder / "pairs" / "pairs.parquet").to_pylist()
    return pairs


def hard_dishes(pairs: list[dict[str, Any]], split: str) -> set[tuple[str, str]]:
    return {
        (pair["left_text_dish"], pair["right_text_dish"])
        for pair in pairs
        if pair["kind"] == "negative_hard" and pair["split"] == split
    }


def test_hard_negatives_come_from_the_dish_nearest_in_the_split(tmp_path: Path) -> None:
    pairs = build(tmp_path, write_embedding(tmp_path / "index", ROWS))
    assert hard_dishes(pairs, "train") == {
        ("stew", "soup"),
        ("soup", "stew"),
        ("cake", "bread"),
        ("bread", "cake"),
    }
    assert {("stew", "bread"), ("bread", "stew")} <= hard_dishes(pairs, "test")
    by_ingredients = PairConfig(hard_negatives=2, look_alike_dishes=1, common_fraction=1)
    build_pairs(tmp_path / "catalog", tmp_path, by_ingredients, tmp_path / "tmp", "256MB", 1)
    plain = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert ("stew", "cake") in hard_dishes(plain, "train")


def test_hard_negatives_are_never_copies_of_the_anchor(tmp_path: Path) -> None:
    rows = [
        Row(row.recipe_id, dish=row.dish, group="twins" if row.recipe_id[-1] == "0" else None)
        for row in ROWS
    ]
    pairs = build(tmp_path, write_embedding(tmp_path / "index", rows), rows)
    hard = [pair for pair in pairs if pair["kind"] == "negative_hard"]
    assert hard
    assert not any(anchor_of(p)[-1] == partner_of(p)[-1] == "0" for p in hard)


def test_the_order_of_the_vectors_changes_no_byte(tmp_path: Path) -> None:
    contents = set()
    for name, order in (("one", None), ("two", [*range(19, -1, -1)])):
        embedding = write_embedding(tmp_path / name / "index", ROWS, order)
        build(tmp_path / name, embedding)
        contents.add((tmp_path / name / "pairs" / "pairs.parquet").read_bytes())
    assert len(contents) == 1


def test_a_dish_without_vectors_gets_no_hard_negatives_and_is_counted(tmp_path: Path) -> None:
    known = [row for row in ROWS if row.dish != "cake"]
    catalog = write_catalog(tmp_path / "catalog", ROWS)
    embedding = write_embedding(tmp_path / "index", known)
    counts = build_pairs(
        catalog, tmp_path, CONFIG, tmp_path / "tmp", "256MB", 1, embedding=embedding
    )
    assert counts["missing_negative_hard"] == 5 * 2
    pairs = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert "cake" not in {left for left, _ in hard_dishes(pairs, "train")}


def test_an_embedding_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"items\.parquet cannot be read"):
        build(tmp_path, tmp_path / "nowhere")
    strangers = [Row(f"r1m:{n}", dish="stew") for n in range(3)]
    with pytest.raises(StageError, match="no vector of a labelled recipe"):
        build(tmp_path, write_embedding(tmp_path / "foreign", strangers))
    embedding = write_embedding(tmp_path / "index", ROWS)
    np.save(embedding / "vectors.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(ArtifactError, match=r"shape \(3, 2\); expected a row for each of the 20"):
        build(tmp_path, embedding)
    (embedding / "vectors.npy").write_bytes(b"no array")
    with pytest.raises(ArtifactError, match=r"vectors\.npy cannot be read"):
        build(tmp_path, embedding)
