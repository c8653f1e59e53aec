import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mmpipeline.features.cache import EncodingCache, content_key
from mmpipeline.features.photo import RejectedPhotoError
from mmpipeline.features.photo_keys import CACHE_NAME, PhotoKeys


def find(folder: Path, *paths: Path, settled_s: float = -60) -> list[bytes | RejectedPhotoError]:
    """Find keys as a run would, of files that count as settled at once."""
    with EncodingCache(folder, CACHE_NAME) as cache:
        return PhotoKeys(cache, settled_s).find(paths)


def kept(folder: Path) -> int:
    with closing(sqlite3.connect(folder / f"{CACHE_NAME}.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM encoded").fetchone()[0])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"one")
    return path


def test_a_file_that_did_not_change_is_not_read_again(photo: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert find(cache, photo) == [content_key(b"one")]
    with EncodingCache(cache, CACHE_NAME) as opened:
        mark = next(iter(opened._connection.execute("SELECT key FROM encoded")))[0]
        opened.put({mark: content_key(b"as kept")})
    assert find(cache, photo, photo) == [content_key(b"as kept")] * 2


def test_a_changed_file_is_read_though_its_size_and_date_are_as_before(
    photo: Path, tmp_path: Path
) -> None:
    before = photo.stat()
    find(tmp_path / "cache", photo)
    while photo.stat().st_ctime_ns == before.st_ctime_ns:
        photo.write_bytes(b"two")
        os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert photo.stat().st_mtime_ns == before.st_mtime_ns
    assert find(tmp_path / "cache", photo) == [content_key(b"two")]


def test_another_file_in_its_place_is_read(photo: Path, tmp_path: Path) -> None:
    find(tmp_path / "cache", photo)
    other = tmp_path / "other.jpg"
    other.write_bytes(b"two")
    other.replace(photo)
    assert find(tmp_path / "cache", photo) == [content_key(b"two")]


def test_a_file_of_this_moment_is_hashed_but_not_kept(photo: Path, tmp_path: Path) -> None:
    assert find(tmp_path, photo, settled_s=60) == [content_key(b"one")]
    assert kept(tmp_path) == 0
    find(tmp_path, photo)
    assert kept(tmp_path) == 1


def test_what_is_no_file_is_refused_and_not_kept(photo: Path, tmp_path: Path) -> None:
    absent, folder, good = find(tmp_path / "cache", tmp_path / "absent.jpg", tmp_path, photo)
    for refused in (absent, folder):
        assert isinstance(refused, RejectedPhotoError)
        assert refused.reason == "missing"
    assert good == content_key(b"one")
    assert kept(tmp_path / "cache") == 1


def test_a_kept_key_of_a_wrong_length_is_not_taken(photo: Path, tmp_path: Path) -> None:
    find(tmp_path, photo)
    with EncodingCache(tmp_path, CACHE_NAME) as cache:
        mark = next(iter(cache._connection.execute("SELECT key FROM encoded")))[0]
        cache.put({mark: b"short"})
    assert find(tmp_path, photo) == [content_key(b"one")]
