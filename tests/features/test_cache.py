import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mmpipeline.features.cache import EncodingCache, content_key, prune_cache, unused_caches

ONE, TWO, THREE = (content_key(name) for name in (b"one", b"two", b"three"))


def test_values_are_there_when_opened_again(tmp_path: Path) -> None:
    with EncodingCache(tmp_path, "a") as cache:
        cache.put({ONE: b"1", TWO: b"22"})
        cache.put({ONE: b"new"})
    with EncodingCache(tmp_path, "a") as cache:
        assert cache.get([TWO, ONE, THREE, ONE]) == {ONE: b"new", TWO: b"22"}
    with EncodingCache(tmp_path, "b") as other:
        assert other.get([ONE]) == {}


def test_many_keys_are_asked_for_in_parts(tmp_path: Path) -> None:
    values = {content_key(str(number).encode()): str(number).encode() for number in range(2000)}
    with EncodingCache(tmp_path, "a") as cache:
        cache.put(values)
        assert cache.get(values) == values


def test_without_a_folder_nothing_is_kept() -> None:
    with EncodingCache(None, "a") as cache:
        cache.put({ONE: b"1"})
        assert cache.get([ONE]) == {}


def test_a_row_that_changed_on_the_disk_is_absent(tmp_path: Path) -> None:
    with EncodingCache(tmp_path, "a") as cache:
        cache.put({ONE: b"1", TWO: b"2"})
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
        connection.execute("UPDATE encoded SET value = x'33' WHERE key = ?", [ONE])
    with EncodingCache(tmp_path, "a") as cache:
        assert cache.get([ONE, TWO]) == {TWO: b"2"}
        cache.put({ONE: b"1"})
        assert cache.get([ONE]) == {ONE: b"1"}


@pytest.mark.parametrize("where", [0, 4096])
def test_a_damaged_file_is_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, where: int
) -> None:
    with EncodingCache(tmp_path, "a") as cache:
        cache.put({content_key(bytes([number])): b"x" * 3000 for number in range(200)})
    path = tmp_path / "a.sqlite"
    content = bytearray(path.read_bytes())
    content[where : where + 30_000] = b"\xff" * 30_000
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING), EncodingCache(tmp_path, "a") as cache:
        assert cache.get([ONE]) == {}
        cache.put({ONE: b"1"})
        assert cache.get([ONE]) == {ONE: b"1"}
    assert "begun anew" in caplog.text


def test_values_of_an_unfinished_batch_are_not_seen(tmp_path: Path) -> None:
    with EncodingCache(tmp_path, "a") as cache:
        cache.put({ONE: b"1"})
        with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
            connection.execute(
                "CREATE TRIGGER stop BEFORE INSERT ON encoded WHEN NEW.value = x'33' "
                "BEGIN SELECT RAISE(ABORT, 'stopped'); END"
            )
        with pytest.raises(sqlite3.IntegrityError, match="stopped"):
            cache.put({TWO: b"2", THREE: b"3"})
        assert cache.get([ONE, TWO, THREE]) == {ONE: b"1"}


def test_pruning_keeps_what_is_named(tmp_path: Path) -> None:
    assert prune_cache(tmp_path / "nothing", []) == 0
    for name in ("a", "b"):
        with EncodingCache(tmp_path, name) as cache:
            cache.put({ONE: b"1"})
    assert prune_cache(tmp_path, ["b"]) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["b.sqlite"]


def test_what_was_written_lately_is_kept(tmp_path: Path) -> None:
    for name, written_at in (("old", 100.0), ("new", 300.0), ("growing", 100.0)):
        with EncodingCache(tmp_path, name) as cache:
            cache.put({ONE: b"1"})
        os.utime(tmp_path / f"{name}.sqlite", (written_at, written_at))
    (tmp_path / "growing.sqlite-wal").write_bytes(b"rows that are not yet in the file")
    assert [path.name for path in unused_caches(tmp_path, [], before=200.0)] == ["old.sqlite"]
    assert prune_cache(tmp_path, [], before=200.0) > 0
    assert not (tmp_path / "old.sqlite").exists()
    assert (tmp_path / "new.sqlite").exists()
