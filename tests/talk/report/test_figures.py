from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mmpipeline.talk.report.figures import choose_styles, draw_figures
from tests.talk.seed_cells import make_cells, make_maps


def test_draws_four_figures_small_enough_for_the_docs(tmp_path: Path) -> None:
    names = draw_figures(make_cells(), make_maps(), tmp_path)
    assert set(names) == {"cells", "sweep", "matrix", "map"}
    for name in names.values():
        with Image.open(tmp_path / name) as picture:
            assert picture.width >= 500
            assert len(picture.convert("L").getcolors(256)) > 10  # something is drawn
        assert (tmp_path / name).stat().st_size < 500_000


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        draw_figures(make_cells((1,)), make_maps(), tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.slow
def test_without_maps_there_is_no_map(tmp_path: Path) -> None:
    assert "map" not in draw_figures(make_cells((1,)), pd.DataFrame(), tmp_path)


def test_every_rule_of_ours_has_a_look_of_its_own() -> None:
    styles = choose_styles(make_cells())
    ours = [style for (method, _), style in styles.items() if method == "ours"]
    assert len({(style["color"], style["marker"]) for style in ours}) == len(ours) == 2
