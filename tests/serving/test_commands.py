import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mmpipeline.cli import app
from mmpipeline.errors import NotFoundError, PipelineError, QueryError
from mmpipeline.search.query import Query
from mmpipeline.serving.commands import read_weight, unlike

Run = Callable[..., str]


@pytest.fixture
def run(first_world: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(first_world / "data"))

    def search(*arguments: str, command: str = "search") -> str:
        done = CliRunner().invoke(app, [command, *arguments], catch_exceptions=True)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return search


def test_search_prints_lines_or_json(run: Run) -> None:
    lines = run("--title", "김치찌개", "-k", "2").splitlines()
    assert lines[0] == "  dishes"
    answer = json.loads(run("--title", "김치찌개", "-k", "2", "--json"))
    assert [hit["rank"] for hit in answer["items"]] == [1, 2]
    assert lines[4].strip().startswith(f"1   {answer['items'][0]['score']:.3f}")


def test_options_reach_the_index(run: Run, recipe_id: str) -> None:
    def ask(*arguments: str) -> dict[str, Any]:
        return json.loads(run("--json", "-k", "24", *arguments))

    liked = ask("--like", recipe_id)
    assert liked["asked_with"] == ["like"]
    assert recipe_id not in {hit["recipe_id"] for hit in liked["items"]}
    of_two = ask("--title", "국", "--dish", "bibimbap", "--dish", "naengmyeon")
    assert {hit["dish"] for hit in of_two["items"]} == {"bibimbap", "naengmyeon"}
    assert ask("--title", "국", "--language", "en")["items"] == []
    assert len(ask("--title", "국", "--source", "r1m")["items"]) == 24
    assert ask("--title", "국", "--tag", "none")["items"] == []
    weighted = ask("--title", "국", "--ingredients", "두부, 김치", "--weight", "title=0")
    assert weighted["asked_with"] == ["ingredients"]
    assert "minus" in ask("--title", "비빔밥", "--without", "두부")["asked_with"]
    assert "instructions" in ask("--steps", "김치를 볶는다 | 담는다")["asked_with"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the query is empty"),
        (("--title", "국", "-k", "0"), "expected a number from 1"),
        (("--title", "국", "--weight", "image"), "expected a part and a number, as in image=2"),
        (("--title", "국", "--weight", "smell=1"), "smell"),
        (("--image", "/none.jpg"), "does not exist"),
    ],
)
def test_errors_say_what_to_do(run: Run, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        run(*arguments)


def test_an_unknown_recipe_is_told(run: Run) -> None:
    with pytest.raises(NotFoundError, match="no recipe '10k:1'"):
        run("--like", "10k:1")


def test_weights_and_what_is_unwanted() -> None:
    assert read_weight("image=0.5") == ("image", 0.5)
    with pytest.raises(QueryError):
        read_weight("image=a lot")
    assert unlike("고추장, 설탕") == Query(title="고추장, 설탕", ingredients=("고추장", "설탕"))
    assert unlike(None) is None
    assert unlike(" ") is None


def test_subsets_are_ranked_with_a_class_given_by_examples(run: Run, recipe_id: str) -> None:
    def ask(*arguments: str) -> str:
        return run("--like", recipe_id, *arguments, command="subsets")

    first = json.loads(ask("--enrol", f"mine={recipe_id}", "--json"))["subsets"][0]
    assert (first["subset"], first["kind"], first["items"]) == ("mine", "enrolled", 1)
    assert first["score"] == pytest.approx(1, abs=1e-4)
    lines = ask("-k", "2").splitlines()
    assert len(lines) == 2
    assert "dish of" in lines[0]
    with pytest.raises(QueryError, match="expected NAME=ID,ID"):
        ask("--enrol", "mine")
