"""Golden queries are drawn once, from held-out recipes, and ask every version the same."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.search.release import golden_queries
from mmpipeline.search.release.golden_queries import ask_golden_queries, draw_golden_queries
from mmpipeline.storage import DataLayout, read_parquet


def test_it_is_drawn_from_held_out_labelled_recipes_and_never_again(
    published: DataLayout, world: Path
) -> None:
    path = draw_golden_queries(published, world / "asking", 5)
    questions = read_parquet(path)
    held_out = read_parquet(world / "asking" / "recipes.parquet")
    of_val = {
        row["recipe_id"] for row in held_out.to_pylist() if row["split"] == "val" and row["dish"]
    }
    assert questions.num_rows == 5
    assert set(questions["recipe_id"].to_pylist()) <= of_val
    content = path.read_bytes()
    draw_golden_queries(published, world / "asking", 3)
    assert path.read_bytes() == content
    assert [p.name for p in path.parent.glob(".*")] == []


def test_a_question_is_right_when_another_recipe_of_its_dish_is_nearest(
    published: DataLayout, world: Path
) -> None:
    questions = read_parquet(draw_golden_queries(published, world / "asking", 50)).to_pylist()
    index = SearchIndex.open(published)
    figures = ask_golden_queries(published, index)
    right = []
    for question in questions:
        hits = index.search(Query(title=question["title"]), 24).items
        others = [hit.dish for hit in hits if hit.recipe_id != question["recipe_id"]]
        right.append(others[0] == question["dish"])
    assert figures["questions"] == len(questions)
    assert figures["title_recall_at_1"] == pytest.approx(sum(right) / len(right))
    assert 0 <= figures["full_recall_at_1"] <= 1
    photos = []
    for question in questions:
        hits = index.search(Query(image=published.resolve(question["image_path"])), 24).items
        others = [hit.dish for hit in hits if hit.recipe_id != question["recipe_id"]]
        photos.append(others[0] == question["dish"])
    assert figures["image_recall_at_1"] == pytest.approx(sum(photos) / len(photos))
    assert not any(name.startswith(("ko_", "en_")) for name in figures)  # too few of a language


def test_a_language_of_enough_questions_has_its_own_figures(
    published: DataLayout, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw_golden_queries(published, world / "asking", 50)
    table = read_parquet(path)
    languages = ["en"] * 4 + ["ko"] * (len(table) - 4)
    place = table.schema.get_field_index("language")
    column = pa.array(languages, pa.string())
    pq.write_table(table.set_column(place, "language", column), path, write_page_checksum=True)
    monkeypatch.setattr(golden_queries, "LEAST_QUERIES", 5)
    figures = ask_golden_queries(published, SearchIndex.open(published))
    assert {name for name in figures if name.startswith(("ko_", "en_"))} == {
        "ko_full_recall_at_1", "ko_title_recall_at_1", "ko_image_recall_at_1"
    }  # fmt: skip
    monkeypatch.setattr(golden_queries, "LEAST_QUERIES", 1)
    figures = ask_golden_queries(published, SearchIndex.open(published))
    weighed = (
        4 * figures["en_title_recall_at_1"] + (len(table) - 4) * figures["ko_title_recall_at_1"]
    )
    assert weighed / len(table) == pytest.approx(figures["title_recall_at_1"])


def test_an_exam_drawn_before_languages_were_noted_is_sat(
    published: DataLayout, world: Path
) -> None:
    path = draw_golden_queries(published, world / "asking", 50)
    old = read_parquet(path).drop_columns(["language"])
    pq.write_table(old, path, write_page_checksum=True)
    assert "image_recall_at_1" in ask_golden_queries(published, SearchIndex.open(published))


def test_a_photo_that_is_gone_leaves_the_words(published: DataLayout, world: Path) -> None:
    draw_golden_queries(published, world / "asking", 50)
    for photo in (published.root / "raw").glob("*.png"):
        photo.unlink()
    figures = ask_golden_queries(published, SearchIndex.open(published))
    assert "full_recall_at_1" in figures
    assert "image_recall_at_1" not in figures


def test_without_labels_there_is_nothing_to_ask(published: DataLayout, world: Path) -> None:
    without = draw_golden_queries(
        published, world / "catalog", 5
    )  # nothing of it is on the side val
    assert not without.exists()
    assert ask_golden_queries(published, SearchIndex.open(published)) == {}
    assert read_parquet(draw_golden_queries(published, world / "asking", 5)).num_rows == 5


def test_those_of_a_former_release_stay(published: DataLayout, world: Path) -> None:
    drawn = draw_golden_queries(published, world / "asking", 5)
    former = drawn.rename(drawn.with_name("exam.parquet"))
    assert draw_golden_queries(published, world / "asking", 3) == former
    assert ask_golden_queries(published, SearchIndex.open(published))["questions"] == 5
    assert not drawn.exists()
