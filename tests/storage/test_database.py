"""Connections carry their limits."""

from pathlib import Path

from mmpipeline.storage import connect_database


def test_limits_are_set(tmp_path: Path) -> None:
    with connect_database(tmp_path / "spill", memory_limit="200MB", threads=1) as connection:
        row = connection.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit'), "
            "current_setting('temp_directory')"
        ).fetchone()
    assert row is not None
    assert row[:2] == (1, "190.7 MiB")
    assert Path(row[2]).parent == tmp_path / "spill"


def test_each_connection_spills_into_a_folder_of_its_own_that_goes_with_it(tmp_path: Path) -> None:
    with connect_database(tmp_path), connect_database(tmp_path):
        assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2
    assert list(tmp_path.iterdir()) == []
