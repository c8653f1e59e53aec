"""The command line of a local run, without running anything."""

import errno
from pathlib import Path

import pytest

from flows.__main__ import FLOWS, choose_parameters, describe_unforeseen
from mmpipeline.config import PipelineConfig
from mmpipeline.errors import InputError

ROOT = Path(__file__).parents[2]


def test_every_flow_file_can_be_run_by_name() -> None:
    files = {path.stem for path in (ROOT / "flows").glob("*.py") if path.stem[0] != "_"}
    assert set(FLOWS) == files


def test_without_a_source_the_sample_world_is_taken(tmp_path: Path) -> None:
    config = PipelineConfig()
    chosen = choose_parameters("refresh_catalog", config, None)["request"]
    assert (chosen.sample, chosen.scrape, chosen.dump) == (True, True, None)
    (tmp_path / "layer1.json").touch()
    chosen = choose_parameters("refresh_catalog", config, tmp_path)["request"]
    assert (chosen.sample, chosen.scrape, chosen.dump) == (False, False, tmp_path)
    assert choose_parameters("build_pairs", config, None) == {"config": config.pairs}
    published = {"config": config.index, "promotion": config.promotion}
    assert choose_parameters("publish_index", config, None) == published
    assert choose_parameters("follow_release", config, None) == {}


def test_a_source_without_recipes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no layer1\.json there"):
        choose_parameters("refresh_catalog", PipelineConfig(), tmp_path)


def test_what_nobody_foresaw_is_one_line(tmp_path: Path) -> None:
    line = describe_unforeseen(tmp_path, RuntimeError("first\nsecond"))
    assert line.startswith("RuntimeError: first; the traceback is in ")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.__main__.FULL_DISK_BYTES", 10**18)
    assert "is full" in describe_unforeseen(tmp_path, OSError(errno.ENOSPC, "No space"))
