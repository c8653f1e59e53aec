import io
from pathlib import Path

import pytest
from PIL import Image

from mmpipeline.errors import ImageError
from mmpipeline.serving.api.thumbnails import ThumbnailCache, shrink_photo


def write_turned(path: Path) -> None:
    """A photo of 100 x 50, red on the left, with a tag that turns it upright."""
    photo = Image.new("RGB", (100, 50), "blue")
    photo.paste("red", (0, 0, 50, 50))
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "camera"
    photo.save(path, exif=tags, quality=95)


def test_small_upright_and_without_tags(tmp_path: Path) -> None:
    write_turned(tmp_path / "a.jpg")
    small = Image.open(io.BytesIO(shrink_photo(tmp_path / "a.jpg", 40, 10_000)))
    assert (small.format, small.size) == ("JPEG", (20, 40))
    assert not small.getexif()
    red, _, blue = small.getpixel((10, 5))
    assert red > 200 > blue


def test_a_small_photo_stays_as_it_is(tmp_path: Path) -> None:
    write_turned(tmp_path / "a.jpg")
    small = Image.open(io.BytesIO(shrink_photo(tmp_path / "a.jpg", 320, 10_000)))
    assert small.size == (50, 100)


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<svg><script>alert(1)</script></svg>")
    for name in ("a.jpg", "none.jpg"):
        with pytest.raises(ImageError):
            shrink_photo(tmp_path / name, 320, 10_000)


def test_the_cache_remembers_within_its_bound(tmp_path: Path) -> None:
    for name in "abc":
        write_turned(tmp_path / f"{name}.jpg")
    size = len(shrink_photo(tmp_path / "a.jpg", 40, 10_000))
    cache = ThumbnailCache(10_000, cache_bytes=2 * size)
    for name in "abc":
        cache.get(tmp_path / f"{name}.jpg", 40)
    for name in "abc":
        (tmp_path / f"{name}.jpg").unlink()
    assert len(cache.get(tmp_path / "b.jpg", 40)) == len(cache.get(tmp_path / "c.jpg", 40)) == size
    with pytest.raises(ImageError):
        cache.get(tmp_path / "a.jpg", 40)
