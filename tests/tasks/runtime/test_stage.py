"""A stage works once for one key, and says what it did."""

import logging
from contextvars import ContextVar
from pathlib import Path

import pytest

from mmpipeline.storage import ArtifactKey, Draft
from tasks.runtime.stage import describe_counts, produce, side_by_side

KEY = ArtifactKey("catalog", {}, {}, "")


def test_a_stage_runs_once_and_is_then_up_to_date(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def make(draft: Draft) -> dict[str, float]:
        calls.append(1)
        (draft.folder / "rows.txt").write_text("x")
        return {"recipes": 1200, "share": 0.25}

    with caplog.at_level(logging.INFO, logger="mmpipeline.run"):
        first = produce(tmp_path, KEY, make, ("recipes", "share", "unheard"))
        second = produce(tmp_path, KEY, make, ("recipes",))
    assert first == second
    assert len(calls) == 1
    assert "1,200 recipes, 0.250 share" in caplog.messages[0]
    assert "is up to date" in caplog.text
    assert (first.parent / "LATEST").read_text().strip() == KEY.id


def test_a_failing_stage_marks_nothing(tmp_path: Path) -> None:
    def fail(draft: Draft) -> dict[str, float]:
        (draft.folder / "half.txt").write_text("x")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        produce(tmp_path, KEY, fail, ())
    assert not list(tmp_path.rglob("*.txt"))
    assert not list(tmp_path.rglob("CURRENT"))


def test_counts_that_are_missing_are_left_out() -> None:
    assert (
        describe_counts({"photos_missing": 3}, ("recipes", "photos_missing")) == "3 photos missing"
    )


def test_a_stage_with_nothing_to_count_is_done_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def make(draft: Draft) -> dict[str, float]:
        return {}

    with caplog.at_level(logging.INFO, logger="mmpipeline.run"):
        folder = produce(tmp_path, KEY, make, ("unheard",))
    assert folder.is_dir()
    assert caplog.messages[0].endswith("done")


def test_side_by_side_keeps_context_and_order_and_raises() -> None:
    variable = ContextVar("variable", default="outside")
    variable.set("inside")
    assert side_by_side(lambda: Path(variable.get()), lambda: Path("b")) == [
        Path("inside"),
        Path("b"),
    ]
    assert side_by_side() == []

    def fail() -> Path:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side(fail, lambda: Path("b"))
