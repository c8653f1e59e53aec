"""A finding is shown as a mark, what was looked at, what there is, and what to do."""

import pytest

from mmpipeline.operations.finding import Finding, Status


def test_the_advice_stands_below_what_was_found_in_lines_of_a_screen() -> None:
    found = Finding("disk", "warning", "a " * 60, "make room " * 12)
    first, *more = found.lines()
    assert first.startswith("! disk" + " " * 22 + "a a")
    assert len(more) == 3
    assert all(line.startswith(" " * 28) and line[28] != " " for line in more)
    assert more[1].strip().startswith("make room")
    assert max(map(len, found.lines())) <= 100


@pytest.mark.parametrize(("status", "mark"), [("ok", " "), ("warning", "!"), ("problem", "x")])
def test_each_status_has_a_mark(status: Status, mark: str) -> None:
    assert Finding("python", status, "3.11").lines() == [f"{mark} python".ljust(28) + "3.11"]


def test_nothing_found_and_a_long_check_are_lines_too() -> None:
    assert Finding("a" * 40, "problem", "").lines() == [f"x {'a' * 40}  "]
