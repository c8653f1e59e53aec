import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from mmpipeline.sources.recipe1m.photos import PhotoFolder

IMAGE_ID = "3f00112233.jpg"


def save(path: Path, kind: str = "JPEG", size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "green").save(buffer, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def folder(path: Path, max_bytes: int = 10_000, decode: bool = True) -> PhotoFolder:
    return PhotoFolder(path, max_bytes, max_pixels=1000, decode=decode)


@pytest.mark.parametrize("place", ["images/train", "images", "train", ".", "images/val"])
def test_a_photo_is_found_in_any_layout(tmp_path: Path, place: str) -> None:
    path = tmp_path / place / "3/f/0/0" / IMAGE_ID
    content = save(path)
    photo = folder(tmp_path).check(IMAGE_ID, "train")
    assert photo.state == "present"
    assert photo.path is not None
    assert photo.path.samefile(path)
    assert photo.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_formats(tmp_path: Path, kind: str) -> None:
    save(tmp_path / "3/f/0/0" / IMAGE_ID, kind)
    assert folder(tmp_path).check(IMAGE_ID, None).state == "present"


def test_broken_photos_are_undecodable(tmp_path: Path) -> None:
    path = tmp_path / "3/f/0/0" / IMAGE_ID
    photos = folder(tmp_path)
    content = save(path, size=(30, 30))
    path.write_bytes(content[: len(content) // 2])
    assert photos.check(IMAGE_ID, None).state == "undecodable"
    path.write_bytes(b"<html>not found</html>")
    assert "no JPEG" in photos.check(IMAGE_ID, None).detail
    save(path, "BMP")
    assert "no JPEG" in photos.check(IMAGE_ID, None).detail
    save(path, size=(100, 100))
    assert "100 x 100 pixels" in photos.check(IMAGE_ID, None).detail
    path.write_bytes(content + b"x" * 20_000)
    photo = photos.check(IMAGE_ID, None)
    assert (photo.state, photo.path, photo.sha256) == ("undecodable", None, None)


def test_without_decoding_presence_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "3/f/0/0" / IMAGE_ID
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing to look at")
    assert folder(tmp_path, decode=False).check(IMAGE_ID, None).state == "present"


@pytest.mark.parametrize("image_id", ["../../../secret.jpg", "a/b", "", "abc", "....", "none1.jpg"])
def test_an_id_that_is_no_file_name_is_missing(tmp_path: Path, image_id: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    assert folder(tmp_path).check(image_id, "train").state == "missing"
