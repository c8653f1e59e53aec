"""`mmpipeline index`: see versions, compare them, change which one answers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmpipeline.cli import app
from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import current_version
from mmpipeline.storage import DataLayout
from tests.search.conftest import first_world, publish_version  # noqa: F401  a fixture

Run = Callable[..., str]


@pytest.fixture
def world(first_world: Path, tmp_path: Path) -> Path:  # noqa: F811
    return shutil.copytree(first_world, tmp_path / "world")


@pytest.fixture
def run(world: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(world / "data"))

    def command(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["index", *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.stdout

    return command


def test_a_version_is_listed_shown_verified(run: Run, world: Path) -> None:
    now = current_version(DataLayout.at(world / "data"))
    assert now is not None
    (row,) = json.loads(run("list", "--json"))
    assert (row["version"], row["answers"], row["items"]) == (now, True, 24)
    assert f"* {now}" in run("list")
    assert "made from model" in run("show", now)
    assert json.loads(run("show", now, "--json"))["id"] == now
    assert f"{now}: " in run("verify")


def test_another_version_is_compared_promoted_and_rolled_back(run: Run, world: Path) -> None:
    layout = DataLayout.at(world / "data")
    first = current_version(layout)
    assert first is not None
    second = publish_version(world, "another")
    found = json.loads(run("diff", first, second, "--json"))
    assert (found["added"], found["removed"], found["kept"]) == (0, 0, 24)
    assert found["other model"] == "first -> another"
    assert "promoted" in run("promote", first)
    assert current_version(layout) == first
    assert "rolled back" in run("rollback")
    assert current_version(layout) == second
    assert "rolled back" in run("rollback", first)
    assert current_version(layout) == first
    assert "rolled back" in run("show", first)


@pytest.mark.parametrize("version", ["0123456789abcdef", "../../etc", ""])
def test_a_version_that_is_none_is_refused(version: str, run: Run) -> None:
    for command in ("show", "promote", "verify", "rollback"):
        if version or command != "verify":
            with pytest.raises(ArtifactError):
                run(command, version)


def test_before_anything_is_published_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(tmp_path))
    assert "no version yet" in CliRunner().invoke(app, ["index", "list"]).stdout
    assert CliRunner().invoke(app, ["index", "verify"]).exit_code == 1
