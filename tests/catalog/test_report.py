import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmpipeline.catalog.build import build_catalog
from mmpipeline.catalog.compare import compare_catalogs, describe_changes
from mmpipeline.catalog.report import _draw_dishes
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.schemas import QuarantineRow, Recipe

MakeRecipe = Callable[..., Recipe]
WriteSource = Callable[..., Path]
Version = Callable[..., Path]


@pytest.fixture
def version(tmp_path: Path, write_source: WriteSource) -> Version:
    """Build a catalogue over recipes; return its folder."""

    def build(
        name: str, recipes: list[Recipe], previous: Path | None = None, **config: float
    ) -> Path:
        target = tmp_path / name
        target.mkdir()
        quarantine = [QuarantineRow(source="r1m", place="layer1.json@7", reason="missing_id")]
        source = write_source("source", recipes, quarantine)
        build_catalog(
            {"r1m": source},
            target,
            CatalogConfig(**config),
            tmp_path / "spill",
            "500MB",
            1,
            previous=previous,
        )
        return target

    return build


def many(make_recipe: MakeRecipe, untitled: int = 0) -> list[Recipe]:
    return [
        make_recipe(
            f"r1m:{number:04d}", title=None if number < untitled else f"Kimchi Stew {number}"
        )
        for number in range(120)
    ]


def test_the_page_and_its_plots(make_recipe: MakeRecipe, version: Version) -> None:
    recipes = [*many(make_recipe), make_recipe("10k:1", title="갈치국")]
    folder = version("v1", recipes)
    page = (folder / "quality.md").read_text(encoding="utf-8")
    assert "# Catalogue: 121 recipes" in page
    assert "| r1m | missing_id | 1 |" in page
    assert "| kimchi-jjigae | 120 |" in page
    assert "There is no version before." in page
    for name in ("recipes", "dishes", "lengths"):
        assert f"(quality-{name}.png)" in page
        with Image.open(folder / f"quality-{name}.png") as image:
            assert image.width == 1000
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 3
    lengths = json.loads((folder / "quality.json").read_text())["lengths"]
    assert {row["field"] for row in lengths if row["source"] == "10k"} == {
        "title, letters",
        "ingredients, lines",
        "instructions, letters",
    }
    assert (folder / "quality.md").read_bytes() == (
        version("v2", recipes) / "quality.md"
    ).read_bytes()


def test_dishes_of_any_name_are_drawn_a_bar_each(tmp_path: Path) -> None:
    endless = "en:" + 30 * "endless stew "
    names = [endless, endless + "too", "en:$x$ and $\\frac$", "갈치국"]
    dishes = [{"dish": name, "recipes": 3} for name in names]
    _draw_dishes(tmp_path / "dishes.png", {"frequent_dishes": dishes})
    with Image.open(tmp_path / "dishes.png") as image:
        column = np.asarray(image.convert("RGB"))[:, 700].tolist()
    is_bar = [pixel == [0x4C, 0x72, 0xB0] for pixel in column]
    assert sum(now and not before for before, now in pairwise(is_bar)) == len(names)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"max_untitled_fraction": 0.2}, r"33.3% is over catalog.max_untitled_fraction = 20.0%"),
        ({"min_labelled_fraction": 0.9}, r"66.7% is under catalog.min_labelled_fraction = 90.0%"),
    ],
)
def test_a_broken_bound_is_named(
    make_recipe: MakeRecipe, version: Version, config: dict[str, float], message: str
) -> None:
    allowed = {"max_untitled_fraction": 1.0, "max_duplicate_fraction": 1.0}
    with pytest.raises(StageError, match=message):
        version("v1", many(make_recipe, untitled=40), **(allowed | config))
    version("v2", many(make_recipe, untitled=40), **allowed)


def test_changes(make_recipe: MakeRecipe, version: Version) -> None:
    before = version("v1", [make_recipe(f"r1m:{name}") for name in "abc"])
    newer = [
        make_recipe("r1m:a"),
        make_recipe("r1m:b", title="Kimchi Stew"),
        make_recipe("10k:9"),
    ]
    after = version("v2", newer, previous=before)
    changes = compare_catalogs(before, after)
    assert changes.same == 1
    assert changes.counts == {
        "added": {"10k": 1},
        "removed": {"r1m": 1},
        "changed": {"r1m": 1},
        "relabelled": {"r1m": 1},
        "moved": {},
        "excluded": {},
    }
    lines = "\n".join(describe_changes(changes))
    assert "r1m:b  Kimchi Stew  none -> kimchi-jjigae" in lines
    assert lines in (after / "quality.md").read_text(encoding="utf-8")
    assert compare_catalogs(after, after).same == 3
    with pytest.raises(ArtifactError, match="cannot be compared"):
        compare_catalogs(before, after / "nowhere")
