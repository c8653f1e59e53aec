import contextlib
import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmpipeline.errors import ImageError
from mmpipeline.features.encoders.descriptors import ImageEncoder
from mmpipeline.features.photo import RejectedPhotoError, load_photo

LIMIT = 25_000_000
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def draw(size: tuple[int, int] = (60, 40)) -> Image.Image:
    random = np.random.default_rng(7)
    small = Image.fromarray(random.integers(0, 255, (5, 6, 3), dtype=np.uint8))
    return small.resize(size)


def to_bytes(photo: Image.Image, kind: str = "PNG", orientation: int | None = None) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    photo.save(buffer, kind, exif=exif) if orientation else photo.save(buffer, kind)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        content += struct.pack(">I", len(data)) + kind + data + checksum
    return content


def reason_of(content: bytes | Path, max_pixels: int = LIMIT, **options: int) -> tuple[str, str]:
    with pytest.raises(ImageError) as caught:
        load_photo(content, max_pixels, **options)
    assert isinstance(caught.value, RejectedPhotoError)
    message = str(caught.value)
    assert "\n" not in message
    return caught.value.reason, message


@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_is_applied(orientation: int) -> None:
    upright = draw()
    stored = upright.transpose(TURNS[orientation])  # as a turned camera would store it
    turned = load_photo(to_bytes(stored, orientation=orientation), LIMIT)
    assert np.array_equal(np.asarray(turned), np.asarray(upright))
    encoder = ImageEncoder(64)
    assert np.array_equal(encoder.encode(turned), encoder.encode(upright))
    assert not np.allclose(encoder.encode(stored), encoder.encode(upright), atol=1e-3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_accepted_formats(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(to_bytes(draw(), kind))
    photo = load_photo(path, LIMIT)
    assert (photo.mode, photo.size) == ("RGB", (60, 40))
    difference = np.abs(np.asarray(photo, dtype=int) - np.asarray(draw(), dtype=int))
    assert difference.mean() < 12


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PPM", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    reason, message = reason_of(to_bytes(draw((32, 32)), kind))
    assert reason == "not_a_photo"
    assert "JPEG, PNG, WEBP or GIF" in message


@pytest.mark.parametrize("content", [b"", b"<svg onload='x()'/>", b"<html>404</html>", bytes(999)])
def test_what_is_no_photo(content: bytes) -> None:
    assert reason_of(content)[0] == "not_a_photo"


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"hevc"])
def test_heic_is_named_with_the_way_out(brand: bytes) -> None:
    reason, message = reason_of(b"\x00\x00\x00\x18ftyp" + brand + bytes(4) + b"heic" + bytes(50))
    assert reason == "heic"
    assert "HEIC" in message
    assert "Most Compatible" in message
    assert "JPEG" in message


def test_avif_is_named_even_behind_a_general_brand() -> None:
    content = b"\x00\x00\x00\x1cftypmif1" + bytes(4) + b"mif1avif" + bytes(50)
    assert reason_of(content)[0] == "avif"
    assert reason_of(to_bytes(draw(), "AVIF"))[0] == "avif"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_truncated(kind: str) -> None:
    content = to_bytes(draw((300, 200)), kind)
    reason, message = reason_of(content[: len(content) // 2])
    assert reason in {"damaged", "not_a_photo"}
    assert "give another photo" in message or reason == "not_a_photo"


def test_too_many_pixels_are_refused_before_decoding() -> None:
    # The pixels of these files do not exist: a decoder would fail in another way.
    assert reason_of(png_header(6_000, 5_000))[0] == "too_many_pixels"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason_of(png_header(12_000, 12_000))[0] == "too_many_pixels"  # Pillow only warns
        assert reason_of(png_header(20_000, 20_000))[0] == "too_many_pixels"  # Pillow raises
    assert reason_of(to_bytes(draw()), max_pixels=2399)[0] == "too_many_pixels"
    assert load_photo(to_bytes(draw()), 2400).size == (60, 40)


def test_too_many_bytes(tmp_path: Path) -> None:
    content = to_bytes(draw())
    path = tmp_path / "large.png"
    path.write_bytes(content)
    assert reason_of(content, max_bytes=len(content) - 1)[0] == "too_large"
    assert reason_of(path, max_bytes=len(content) - 1)[0] == "too_large"
    assert load_photo(path, LIMIT, max_bytes=len(content)).size == (60, 40)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    reason, message = reason_of(tmp_path / "nothing.jpg")
    assert reason == "missing"
    assert "nothing.jpg" in message
    assert reason_of(tmp_path)[0] == "missing"


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert np.asarray(load_photo(to_bytes(clear), LIMIT)).min() == 255


def test_sixteen_bit_grey_keeps_its_range() -> None:
    steps = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    grey = np.asarray(load_photo(to_bytes(Image.fromarray(steps)), LIMIT))
    assert grey[0, 0, 0] == 0
    assert grey[-1, -1, 0] == 255
    assert 120 < grey[4, 0, 0] < 136


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert tuple(np.asarray(load_photo(buffer.getvalue(), LIMIT))[0, 0]) == (255, 0, 0)


def test_broken_exif_does_not_cost_the_photo() -> None:
    content = to_bytes(draw(), "JPEG", orientation=6)
    at = content.index(b"Exif\0\0") + 6
    broken = content[: at + 4] + b"\xff\xff\xff\xff" + content[at + 8 :]
    assert load_photo(broken, LIMIT).mode == "RGB"


def test_jpeg_is_decoded_no_smaller_than_asked() -> None:
    large = to_bytes(draw((1600, 1200)), "JPEG")
    small = load_photo(large, LIMIT, min_edge_px=192)
    assert min(small.size) >= 192
    assert small.width < 1600
    assert load_photo(large, LIMIT).size == (1600, 1200)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]))
def test_damaged_bytes_give_a_photo_or_an_image_error(data: st.DataObject, kind: str) -> None:
    content = bytearray(to_bytes(draw((24, 16)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        assert load_photo(bytes(content), 1_000_000).mode == "RGB"


def test_threads_do_not_disturb_the_warning_filters() -> None:
    before = list(warnings.filters)
    content = to_bytes(draw())
    threads = [
        threading.Thread(target=lambda: [load_photo(content, LIMIT) for _ in range(30)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
