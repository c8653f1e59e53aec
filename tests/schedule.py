"""The order in which processes of pytest-xdist get the tests, by file.

Long files go out first, so that no process ends with one while the others are idle: runs of the
real program, then what computes for long, then what starts servers, then the rest. Files that read
one finished run of the program go to one process, which makes it once, and so do those that look
at the pages of one `make ui`. The price is that the process of the run, with the longest road of
all, bounds how quick the whole can be.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
MARKERS = ("flow", "slow", "server")
"""From the longest on."""

SHARED = {"finished": r"\bfinished: Path\b", "pages": r"\bpages: Pages\b"}
"""Fixtures that cost more than most files, and how a test takes them."""


class FileScheduling(LoadScopeScheduling):
    """Hands out files in the order of collection; those that share a costly fixture together."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by number of tests the longest would come last

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return shared_fixture(file) or file


@cache
def shared_fixture(file: str) -> str | None:
    """Return the costly fixture that a test file shares with others."""
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return next((name for name, taken in SHARED.items() if re.search(taken, text)), None)


def sort_by_length(items: list[pytest.Item]) -> None:
    """Put the tests of files that take long before others; files stay whole."""
    ranks: dict[str, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if "soak" not in marks:
            file = item.nodeid.partition("::")[0]
            found = [rank for rank, name in enumerate(MARKERS, 1) if name in marks]
            rank = 0 if shared_fixture(file) else min(found, default=len(MARKERS) + 1)
            ranks[file] = min(rank, ranks.get(file, rank))
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], 0))
