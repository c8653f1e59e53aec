"""Source trees of a few lines."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mmpipeline.provenance.code import read_reached
from mmpipeline.provenance.policy import Policy
from mmpipeline.provenance.reach import Reach
from mmpipeline.provenance.tree import SourceTree

PLAIN = Policy(plumbing={}, counted={}, declarations=frozenset())
Follow = Callable[..., Reach]


@pytest.fixture
def follow(tmp_path: Path) -> Follow:
    """Follow `shop.main:run` through files given by their path below the package `shop`."""

    def follow_files(
        files: Mapping[str, str], policy: Policy = PLAIN, entry: str = "shop.main:run"
    ) -> Reach:
        root = tmp_path / f"tree{len(list(tmp_path.iterdir()))}" / "shop"
        for name, text in {"__init__.py": "", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            if not (path.parent / "__init__.py").exists() and path.suffix == ".py":
                (path.parent / "__init__.py").touch()
        return read_reached(SourceTree(root), [(entry,)], policy)[(entry,)]

    return follow_files
