"""What all tests share: no test sees the user's own Prefect, MLflow or data folder."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.schedule import FileScheduling, sort_by_length
from tests.servers import Watch, is_server_test

for name in list(os.environ):
    if name.startswith(("PREFECT_", "MLFLOW_", "MMPIPELINE_")):
        del os.environ[name]
os.environ["DO_NOT_TRACK"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

FLOW_TIMEOUT_S = 900  # the first one waits for a whole run, and a busy machine is not a hang


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(tmp_path / "data"))


WATCH = Watch()


@pytest.hookimpl(tryfirst=True)  # before markers select
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts servers or processes, give runs time, let long files go first."""
    for item in items:
        if isinstance(item, pytest.Function) and is_server_test(item):
            item.add_marker("server")
        if item.get_closest_marker("flow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(FLOW_TIMEOUT_S))
    sort_by_length(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Return what hands out whole files, where these are asked for."""
    return FileScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test without that marker start nothing."""
    WATCH.unmarked = None if item.get_closest_marker("server") else item.nodeid
    try:
        return (yield)
    finally:
        WATCH.unmarked = None
