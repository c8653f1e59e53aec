"""Progress is told to whoever watches, whether or not there is a screen."""

import pytest

from mmpipeline.progress import Progress, watch_progress


def test_the_watcher_hears_the_share_that_is_done() -> None:
    heard: list[tuple[str, float]] = []
    with (
        watch_progress(lambda label, share: heard.append((label, share))),
        Progress("pages", 4, "page") as progress,
    ):
        progress.update()
        progress.update(2)
        progress.update(5)  # more than was thought
    assert heard == [("pages", 0.25), ("pages", 0.75), ("pages", 1.0)]


def test_what_was_done_before_counts() -> None:
    heard: list[float] = []
    with (
        watch_progress(lambda _, share: heard.append(share)),
        Progress("training", 10, initial=8) as progress,
    ):
        progress.update()
    assert heard == [0.9]


def test_nobody_hears_of_work_without_a_total_or_outside_of_the_block() -> None:
    heard: list[float] = []
    with watch_progress(lambda _, share: heard.append(share)), Progress("blocks", 0) as progress:
        progress.update()
    with Progress("pages", 2) as progress:
        progress.update()
    assert heard == []


def test_it_is_quiet_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("pages", 2) as progress:
        progress.update()
    assert capsys.readouterr() == ("", "")
