"""`make deploy` waits for another one on the same data folder before it looks at the server."""

import os
from pathlib import Path

import pytest

from mmpipeline.errors import BusyError, ConfigError
from tasks.deployments import __main__ as deployments
from tasks.deployments.__main__ import deploy
from tasks.runtime.run_lock import only_deployment


def test_two_deployments_at_once_do_not_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setattr(deployments, "PATIENCE_S", 0.0)
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "missing.yaml"
    with only_deployment(tmp_path / "data"), pytest.raises(BusyError):
        deploy(dict(os.environ), missing)
    with pytest.raises(ConfigError, match="missing"):
        deploy(dict(os.environ), missing)
