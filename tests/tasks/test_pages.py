"""`make ui` says what keeps it from starting."""

import socket
from pathlib import Path

import pytest

from mmpipeline.config import EnvironmentSettings
from mmpipeline.errors import BusyError
from tasks.pages import open_pages


def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = EnvironmentSettings(data_root=tmp_path, mlflow_port=port, prefect_port=port)
        with pytest.raises(BusyError, match=rf"port {port} is in use.*MMPIPELINE_PREFECT_PORT"):
            open_pages(settings)
