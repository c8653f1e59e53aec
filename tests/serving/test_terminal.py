import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.search.results import Verdict
from mmpipeline.serving.terminal import (
    describe_contributions,
    example_answer,
    fit_line,
    render_result,
)
from mmpipeline.storage.layout import DataLayout


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_an_answer_as_lines(index: SearchIndex) -> None:
    result = index.search(Query(title="김치찌개", ingredients=("두부",)), 2)
    lines = list(render_result(result))
    assert lines[0] == "  dishes"
    assert lines[1].startswith("    1  ")
    hit = result.items[0]
    at = lines.index("  items")
    assert lines[at + 1] == f"    1  {hit.score:6.3f}  {hit.title}  [{hit.dish}]"
    assert lines[at + 2].strip().startswith(f"{hit.recipe_id} by Kim; ")
    assert len(lines) == at + 5


def test_shared_ingredients_are_named(index: SearchIndex) -> None:
    result = index.search(Query(ingredients=("두부", "김치")), 1, dish="kimchi-jjigae")
    assert list(render_result(result))[-1].endswith("; shares 김치, 두부")


def test_nothing_alike_is_said_first(index: SearchIndex) -> None:
    result = index.search(Query(title="국"), 1)
    unsure = replace(
        result, verdict=Verdict(is_confident=False, best_score=0.1, threshold=0.5), items=[]
    )
    lines = list(render_result(unsure))
    assert lines[0] == "  nothing like this here; the nearest all the same:"
    assert lines[-1] == "  no recipe passes the filters"


def test_no_line_is_wider_than_the_screen(index: SearchIndex) -> None:
    result = index.search(Query(title="국"), 1)
    wide = replace(result.items[0], title="온가족이 좋아하는 감자 갈비찜 " * 8, author="가" * 90)
    lines = list(render_result(replace(result, items=[wide])))
    assert max(map(columns, lines)) <= 100
    assert sum(line.endswith("…") for line in lines) == 2


@pytest.mark.parametrize(
    ("contributions", "words"),
    [
        ({"title": 0.7, "image": 0.2}, "title 0.70 + photo 0.20"),
        ({"instructions": 0.5, "minus": -0.1}, "steps 0.50 - minus 0.10"),
        ({}, ""),
    ],
)
def test_contributions_in_words(contributions: dict[str, float], words: str) -> None:
    assert describe_contributions(contributions) == words


def test_a_short_line_stays() -> None:
    assert fit_line("가" * 50) == "가" * 50
    assert fit_line("가" * 51) == "가" * 49 + "…"


def test_the_example_is_a_command_and_its_answer(first_world: Path, index: SearchIndex) -> None:
    command, *lines = example_answer(DataLayout.at(first_world / "data"), 2)
    assert command == f'mmpipeline search --title "{index.example_title()}" -k 2'
    assert lines == list(render_result(index.search(Query(title=index.example_title()), 2)))
