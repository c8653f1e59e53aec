import re
from pathlib import Path

import pandas as pd
import pytest

from mmpipeline.talk.report.page import SeedTables, write_talk_report
from tests.talk.seed_cells import make_cells, make_maps, make_open_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report")
    tables = SeedTables(
        cells=make_cells(),
        open_set=make_open_set(),
        maps=make_maps(),
        reproduction=make_cells(shift=0.01).query("method == 'COS'"),
        reproduction_note="Other data.",
        notes=["What was trained."],
    )
    counts = write_talk_report(tables, target)
    assert counts["draws"] == 3
    assert counts["demands"] == 15
    assert counts["demands_held"] == 12
    return target


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "seed-experiment.md").read_text()


def row(page: str, section: str, start: str) -> list[str]:
    after = page.split(section, 1)[1]
    line = next(line for line in after.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_picture_and_table_is_there(page: str, folder: Path) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page)
    assert len(pictures) == 4
    for name in [*pictures, "seed-experiment-cells.csv", "seed-experiment-open-set.csv"]:
        assert (folder / name).exists()


def test_a_cell_stands_beside_the_talk_baselines_and_bound(page: str) -> None:
    heads = row(page, "### All (0-99)", "| modality")
    cells = row(page, "### All (0-99)", "| 0, 1, 2 | 200 ")
    by_head = dict(zip(heads, cells, strict=True))
    assert by_head["talk COS"] == "73.6"
    assert by_head["talk EUC"] == "73.2"
    assert by_head["ours, mean cosine"] == "90.0 ± 0.1"
    assert by_head["raw nearest mean"] == "70.0 ± 0.1"
    assert by_head["bayes bound"] == "99.0 ± 0.1"
    assert by_head["chance"] == "2.0"


def test_the_reproduction_has_a_section_of_its_own(page: str) -> None:
    section = page.split("## The talk's models on talk-like data", 1)[1]
    assert "Other data." in section
    assert row(section, "All (0-99)", "| 0, 1, 2 | 200 ")[2:] == ["73.2", "73.6", "74.6 ± 0.0"]


def test_known_and_unknown_stand_apart(page: str) -> None:
    cells = row(page, "## Classes that training saw", "| ours, mean cosine | 200 ")
    assert cells[2:] == ["90.0 ± 0.1", "90.0 ± 0.1", "80.0 ± 0.1", "85.0 ± 0.1"]


def test_the_sweep_has_a_column_a_k(page: str) -> None:
    section = "## How many references"
    assert row(page, section, "| method")[1:] == ["K = 5", "K = 20", "K = 200", "K = 2000"]
    assert len(row(page, section, "| ours, gaussian full")) == 5


def test_the_matrix_shows_what_compares_across_subsets(page: str) -> None:
    section = page.split("## Any subset asks", 1)[1].split("## Strangers")[0]
    assert "ours, mean cosine, K = 200:" in section
    assert "raw" not in section
    assert section.count("90.0 ± 0.1") == 2 * 49


def test_strangers(page: str) -> None:
    assert row(page, "## Strangers", "| ours")[3] == "0.820 ± 0.008"


def test_the_csv_holds_means_and_spreads(folder: Path) -> None:
    table = pd.read_csv(folder / "seed-experiment-cells.csv")
    place = table.query("method == 'ours' and k == 5 and scope == 100 and rule == 'mean_cosine'")
    assert place["top1"].item() == pytest.approx(0.9)
    assert place["top1_spread"].item() == pytest.approx(0.00082, abs=1e-5)


def test_tables_are_whole(page: str) -> None:
    width = None
    for line in page.splitlines():
        width = (width or line.count("|")) if line.startswith("|") else None
        assert width is None or line.count("|") == width
