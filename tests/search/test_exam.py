"""The exam is drawn once, from held-out recipes, and asks every version the same."""

from pathlib import Path

import pytest

from mmpipeline.search.exam import draw_exam, exam_digest, sit_exam
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.storage import DataLayout, read_parquet


def test_it_is_drawn_from_held_out_labelled_recipes_and_never_again(
    published: DataLayout, world: Path
) -> None:
    path = draw_exam(published, world / "catalog", 5)
    questions = read_parquet(path)
    held_out = read_parquet(world / "catalog" / "recipes.parquet")
    of_test = {
        row["recipe_id"] for row in held_out.to_pylist() if row["split"] == "test" and row["dish"]
    }
    assert questions.num_rows == 5
    assert set(questions["recipe_id"].to_pylist()) <= of_test
    digest = exam_digest(published)
    draw_exam(published, world / "catalog", 3)
    assert exam_digest(published) == digest
    assert [p.name for p in path.parent.glob(".*")] == []


def test_a_question_is_right_when_another_recipe_of_its_dish_is_nearest(
    published: DataLayout, world: Path
) -> None:
    questions = read_parquet(draw_exam(published, world / "catalog", 50)).to_pylist()
    index = SearchIndex.open(published)
    figures = sit_exam(published, index)
    right = []
    for question in questions:
        hits = index.search(Query(title=question["title"]), 24).items
        others = [hit.dish for hit in hits if hit.recipe_id != question["recipe_id"]]
        right.append(others[0] == question["dish"])
    assert figures["questions"] == len(questions)
    assert figures["title_recall_at_1"] == pytest.approx(sum(right) / len(right))
    assert 0 <= figures["full_recall_at_1"] <= 1


def test_a_photo_that_is_gone_leaves_the_words(published: DataLayout, world: Path) -> None:
    draw_exam(published, world / "catalog", 50)
    for photo in (published.root / "raw").glob("*.png"):
        photo.unlink()
    assert "full_recall_at_1" in sit_exam(published, SearchIndex.open(published))


def test_without_labels_there_is_nothing_to_ask(published: DataLayout, world: Path) -> None:
    draw_exam(published, world / "catalog", 0)
    assert sit_exam(published, SearchIndex.open(published)) == {}
