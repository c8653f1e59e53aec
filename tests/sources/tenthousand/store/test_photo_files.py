import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from mmpipeline.errors import ImageError
from mmpipeline.sources.tenthousand.store.photo_files import check_photo, keep_photo, photo_key
from tests.sources.tenthousand.local_site import make_photo


def encode(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (5, 4), "red").save(out, kind)
    return out.getvalue()


def huge_png() -> bytes:
    """A PNG that claims 20,000 x 20,000 pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("GIF", ".gif")]
)
def test_photos_of_four_formats_are_kept(tmp_path: Path, kind: str, suffix: str) -> None:
    kept = keep_photo(tmp_path, encode(kind))
    assert kept.file == f"photos/{kept.sha256[:2]}/{kept.sha256}{suffix}"
    assert (tmp_path / kept.file).read_bytes() == encode(kind)
    assert (kept.width, kept.height) == (5, 4)


def test_the_same_photo_is_one_file(tmp_path: Path) -> None:
    assert keep_photo(tmp_path, make_photo(1)) == keep_photo(tmp_path, make_photo(1))
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", encode("BMP"), make_photo(1)[:200], huge_png(), encode("PNG")[:40]],
)
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(ImageError):
        check_photo(content)


def test_a_photo_keeps_its_name_when_the_site_moves() -> None:
    page = "http://127.0.0.1:1234/recipe/1"
    assert photo_key("http://127.0.0.1:1234/cache/a.jpg?x=1", page) == "/cache/a.jpg?x=1"
    assert photo_key("https://img.example.org/a.jpg", page) == "https://img.example.org/a.jpg"


def turned(kind: str, orientation: int, size: tuple[int, int] = (9, 4)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_photo(kind: str, orientation: int) -> None:
    content = turned(kind, orientation)
    with Image.open(io.BytesIO(content)) as image:
        upright = ImageOps.exif_transpose(image)
    assert check_photo(content)[1:] == upright.size
    assert (upright.size == (4, 9)) == (orientation >= 5)


def test_a_broken_orientation_tag_costs_no_photo() -> None:
    content = turned("JPEG", 6).replace(b"Exif\0\0MM", b"Exif\0\0??")
    assert content != turned("JPEG", 6)
    assert check_photo(content) == (".jpg", 9, 4)


def test_the_first_frame_of_an_animation_counts() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (70, 30), colour) for colour in ("red", "green", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    content = out.getvalue()
    with Image.open(io.BytesIO(content)) as image:
        assert getattr(image, "n_frames", 1) == 3
    assert check_photo(content) == (".gif", 70, 30)
    assert check_photo(content[:-20]) == (".gif", 70, 30)  # the last frame is cut
