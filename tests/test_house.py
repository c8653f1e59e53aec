"""The bounds of the house, and the page that draws it."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks import house

ROOT = Path(__file__).parents[1]
LEAF = re.compile(
    r"^((?:│   |    )*)[├└]── ([\w.]+/?) +(\S.*)$|^()([\w.]+/) +(\S.*)$", re.MULTILINE
)


@pytest.fixture(scope="module")
def modules() -> list[house.Module]:
    return [module for package in house.OURS for module in house.read_package(package)]


def drawn_tree() -> dict[str, str]:
    """Return the glosses of the tree in docs/architecture.md, by path; folders end in a slash."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = text.split("## The tree", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]
    found: dict[str, str] = {}
    above: list[str] = []
    for match in LEAF.finditer(block):
        indent, name, gloss = match[1] or "", match[2] or match[5], match[3] or match[6]
        depth = 0 if match[5] else 1 + len(indent) // 4
        above = [*above[:depth], name]
        found["".join(above)] = gloss
    return found


def test_no_folder_is_a_hall_and_no_file_a_novel(modules: list[house.Module]) -> None:
    measured = house.measure_house(modules)
    assert measured["largest_folder_files"] <= 16, measured["largest_folder"]
    assert measured["files_over_300"] == []
    assert measured["array_aliases_elsewhere"] == []


def test_a_change_is_felt_at_most_eighteen_imports_away(modules: list[house.Module]) -> None:
    depth, chain = house.measure_depth(*house.OURS)
    assert depth <= 18, chain


def test_few_words_are_needed_to_read_the_file_names(modules: list[house.Module]) -> None:
    words, nouns = house.measure_names(modules)
    assert len(nouns) <= 220, nouns
    assert len(words) <= 372, words  # it should fall, and must not grow


def test_modules_begin_with_what_they_are(modules: list[house.Module]) -> None:
    for module in modules:
        first = house.first_line(module).split()[0]
        assert first not in {"What", "Which", "How", "Where", "Who", "Whether", "Why"}, module.path


def test_the_architecture_page_draws_every_folder_with_a_short_gloss() -> None:
    drawn = drawn_tree()
    folders = {
        f"{path.parent.relative_to(ROOT)}/"
        for package in house.OURS
        for path in (ROOT / package).rglob("*.py")
    } - {"mmpipeline/serving/api/routes/"}  # said with the API
    assert folders - {path for path in drawn if path.endswith("/")} == set()
    for path, gloss in drawn.items():
        assert (ROOT / path).exists(), path
        assert 3 <= len(gloss.split()) <= 9, (path, gloss)


def test_the_longest_chain_of_a_small_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "small_package_of_this_test"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "a": "from . import b",
        "b": "from . import c",
        "c": "",
    }.items():
        (package / f"{name}.py").write_text(text.replace("from .", f"from {package.name}"))
    monkeypatch.syspath_prepend(tmp_path)
    depth, chain = house.measure_depth(package.name)
    assert depth == 3
    assert [name.rpartition(".")[2] for name in chain] == ["a", "b", "c"]


def test_style_is_measured_by_what_stands_there() -> None:
    text = (
        '"""A module."""\n\n\n'
        'def f(a: int) -> int:\n    """Double."""\n    if a:  # why\n        return 2\n'
        "    return 0\n\n\n"
        "def g(b):\n    return b\n"
    )
    style = house.measure_style([house.Module(Path("m.py"), text)])
    assert style["function_lines_median"] == 3.5
    assert style["complexity_max"] == 2
    assert style["documented_share"] == round(2 / 3, 3)
    assert style["annotated_share"] == 0.5
    assert style["comments_in_100_lines"] == round(100 / 12, 2)


def test_docstrings_describe_the_parameters_that_there_are(modules: list[house.Module]) -> None:
    for module in modules:
        for function in module.functions():
            described = re.search(
                r"Parameters\n-+\n(.*?)(?:\n\n[A-Z]\w+\n-+|\Z)",
                ast.get_docstring(function) or "",
                re.DOTALL,
            )
            arguments = [
                *function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs,
                *filter(None, (function.args.vararg, function.args.kwarg)),
            ]  # fmt: skip
            for line in described[1].split("\n") if described else ():
                if line and not line.startswith(" "):
                    names = {name.strip(" `*") for name in line.partition(":")[0].split(",")}
                    names = {name for name in names if name.isidentifier()}
                    assert names <= {one.arg for one in arguments}, (module.path, function.name)
