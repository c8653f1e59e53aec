import numpy as np
import pandas as pd
import pytest

from mmpipeline.talk.report.demands import check_demands, is_at_least
from tests.talk.seed_cells import make_cells


def verdicts(**levels: float) -> list[bool]:
    return [bool(holds) for holds in check_demands(make_cells(**levels), NOTHING)["holds"]]


NOTHING = pd.DataFrame()
REPRODUCED, RAW_CELLS, COS_CELLS = range(3)  # 3 and 4: the same cells by the other rule
TALK, BOUND, AT_5, AT_20, AT_200, KNOWN, ALL = range(5, 12)


def test_figures_that_meet_every_demand_but_one() -> None:
    held = verdicts()
    assert len(held) == 14
    assert held.count(False) == 3
    assert not held[COS_CELLS]  # the made-up COS is the talk's, above 0.90 in some known cells
    assert not held[TALK]


def test_each_demand_can_fail() -> None:
    assert not verdicts(shift=0.04)[REPRODUCED]
    assert verdicts(shift=0.02)[REPRODUCED]
    assert not verdicts(ours_mean=0.69)[RAW_CELLS]
    assert verdicts(ours_mean=0.98)[TALK]
    assert not verdicts(ours_gaussian=0.91)[BOUND]
    assert not verdicts(ours_gaussian=0.93)[AT_5]
    assert verdicts(ours_gaussian=0.92)[AT_20]
    assert not verdicts(ours_gaussian=0.90, ours_mean=0.90)[AT_200]


def test_single_modalities_against_full_references() -> None:
    cells = make_cells()
    assert check_demands(cells, NOTHING)["holds"].iloc[[KNOWN, ALL]].tolist() == [True, True]
    is_mixed = (cells["query"] == "1") & (cells["reference"] == "0, 1, 2")
    cells.loc[is_mixed, "top1"] *= 0.9
    demands = check_demands(cells, NOTHING)
    assert demands["holds"].iloc[[KNOWN, ALL]].tolist() == [False, True]
    assert demands["found"].iloc[ALL] == "1.00, 0.90, 1.00"


def test_what_was_not_measured_is_left_out() -> None:
    cells = make_cells()
    asked = check_demands(cells[cells["method"] != "ours"], NOTHING)["asked"]
    assert len(asked) == 1
    assert asked.iloc[0].startswith("COS reproduced")
    few = check_demands(cells[cells["k"] == 5], NOTHING)["asked"].tolist()
    assert [asked[:18] for asked in few] == ["all classes, K = 5"]


def test_the_reproduction_is_judged_on_talk_like_data_too() -> None:
    demands = check_demands(make_cells(shift=0.04), make_cells(shift=0.01))
    assert demands["holds"].iloc[REPRODUCED] == False  # noqa: E712 -- numpy's
    last = demands.iloc[-1]
    assert last["asked"].endswith("on talk-like data")
    assert (last["found"], bool(last["holds"])) == ("1.0 points", True)


@pytest.mark.parametrize(
    ("differences", "holds"),
    [
        ([0.0], True),
        ([-0.001], False),
        ([0.1, 0.1], True),
        ([-0.1, -0.1], False),
        ([-0.1, 0.09], True),
        ([-0.10, -0.11, -0.09], False),
    ],
)
def test_at_least_within_noise(differences: list[float], holds: bool) -> None:
    assert is_at_least(np.array(differences)) is holds


def test_every_mean_is_judged_and_cosine_stands_for_them() -> None:
    cells = make_cells()
    cosine = cells[(cells["method"] == "ours") & (cells["rule"] == "mean_cosine")]
    both = pd.concat([cosine.assign(rule="mean_euclid", top1=0.1), cells])
    found = check_demands(both, pd.DataFrame()).set_index("asked")
    expected = check_demands(cells, pd.DataFrame()).set_index("asked")
    assert found.loc[expected.index].equals(expected)
    further = found.drop(expected.index)
    assert len(further) == 4
    assert all("mean prototype, euclid" in asked for asked in further.index)
    assert not further["holds"].iloc[0]
