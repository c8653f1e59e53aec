"""Connections carry their limits."""

from pathlib import Path

from mmpipeline.storage import connect_database


def test_limits_are_set(tmp_path: Path) -> None:
    with connect_database(tmp_path / "spill", memory_limit="200MB", threads=1) as connection:
        row = connection.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit'), "
            "current_setting('temp_directory')"
        ).fetchone()
    assert row == (1, "190.7 MiB", str(tmp_path / "spill"))
