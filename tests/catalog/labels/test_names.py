"""Dish labels on the sample world's titles, which carry the truth."""

import ast
from importlib import resources
from pathlib import Path

import pytest

from benchmarks.dish_labels import judge, label
from mmpipeline.config import SampleConfig

LABELLER = ("title_noise", "joining", "mining", "names", "vocabulary")


def test_labels_are_right_and_many_though_a_quarter_of_the_dishes_is_unknown(
    tmp_path: Path,
) -> None:
    config = SampleConfig(recipes=1200, seed=2021)
    figures = judge(config, label(config, tmp_path))
    assert figures["absent_dish_share"] >= 0.25
    assert figures["joined_dish_share"] >= 0.9
    for language in ("ko", "en"):
        assert figures[f"precision_{language}"] >= 0.95
        assert figures[f"recall_{language}"] >= 0.85


@pytest.mark.parametrize("name", LABELLER)
def test_the_labeller_does_not_read_the_sample_world(name: str) -> None:
    source = resources.files("mmpipeline.catalog.labels").joinpath(f"{name}.py").read_text("utf-8")
    imported = [
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert imported
    assert not any("sample" in str(module) for module in imported)
    assert '"mmpipeline.sample' not in source
