import pandas as pd

from mmpipeline.talk.report.ladder import write_ladder
from tests.talk.seed_cells import make_cells

CHANGES = {"COS": "cosines", "never": "not measured", "ours": "everything"}


def test_a_row_a_step_in_order() -> None:
    cells = make_cells(seeds=(2,))
    across = (cells["query"] != cells["reference"]) & (cells["method"] == "ours")
    cells.loc[across, "top1"] -= 0.2
    cos = cells[(cells["method"] == "COS") & (cells["reference"] == "0, 1, 2")].copy()
    for query in ("0", "1", "2"):  # the talk did not measure across subsets
        rows = cos[cos["k"] == 200].assign(query=query, top1=0.11)
        cells = pd.concat([cells, rows])
    heading, _, table = write_ladder(cells, CHANGES)
    assert heading == "## The ladder"
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == ["cosines", "everything"]
    assert rows[0][1:4] == ["97.5", "85.2", "73.6"]
    assert rows[0][5] == "11.0"
    assert rows[1][1:] == ["90.0", "90.0", "90.0", "90.0", "70.0"]


def test_without_a_step_there_is_no_section() -> None:
    assert write_ladder(make_cells(seeds=(2,)), {"never": "x"}) == []
    assert write_ladder(make_cells(seeds=(2,)).iloc[:0], CHANGES) == []
