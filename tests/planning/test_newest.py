"""Flows agree with the commands on where data lies."""

from pathlib import Path

import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.planning.newest import default_root, or_newest


def test_the_environment_decides_where_data_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(tmp_path / "elsewhere"))
    assert default_root() == tmp_path / "elsewhere"


def test_a_named_input_is_taken_and_a_missing_one_is_said(tmp_path: Path) -> None:
    assert or_newest(tmp_path / "x", "pairs", tmp_path) == tmp_path / "x"
    with pytest.raises(ArtifactError, match="no pairs artifact"):
        or_newest(None, "pairs", tmp_path)
