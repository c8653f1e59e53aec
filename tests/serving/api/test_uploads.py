import io
import json
import struct
import tempfile
import zlib
from pathlib import Path

import pytest
import requests

from mmpipeline.config import ServeConfig
from mmpipeline.serving.api.uploads import check_upload
from mmpipeline.serving.http.errors import RefusedError
from tests.serving.conftest import picture_bytes

CONFIG = ServeConfig(max_upload_bytes=100_000, max_pixels=1_000_000)


def huge_png(edge: int) -> bytes:
    """A PNG that declares edge x edge pixels in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HOSTILE = {
    "svg": (SVG, 415),
    "html": (b"<html><script>alert(1)</script>", 415),
    "gif": (picture_bytes(kind="GIF"), 415),
    "tiff": (picture_bytes(kind="TIFF"), 415),
    "heic": (b"\x00\x00\x00\x18ftypheic" + bytes(40), 415),
    "empty": (b"", 415),
    "zip": (b"PK\x03\x04" + bytes(100), 415),
    "too many pixels": (picture_bytes((1001, 1000), "PNG"), 422),
    "bomb of 400 Mpx": (huge_png(20_000), 422),
    "bomb of 25 Gpx": (huge_png(160_000), 422),
    "too many bytes": (picture_bytes() + bytes(100_001), 413),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_uploads_are_refused_by_their_header(name: str) -> None:
    content, status = HOSTILE[name]
    with pytest.raises(RefusedError) as caught:
        check_upload(content, CONFIG)
    assert caught.value.status == status


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_photos_pass(kind: str) -> None:
    check_upload(picture_bytes((1000, 1000), kind), CONFIG)


def test_a_form_holds_the_query_beside_the_photo(address: str) -> None:
    files = {"photo": ("a.jpg", picture_bytes(), "text/html")}
    answer = requests.post(
        f"{address}/search",
        data={"query": json.dumps({"title": "김치찌개", "k": 2})},
        files=files,
        timeout=20,
    )
    assert answer.status_code == 200
    assert answer.json()["asked_with"] == ["image", "title"]
    assert len(answer.json()["items"]) == 2


def test_a_form_may_hold_simple_fields(address: str) -> None:
    parts = [
        ("title", (None, "김치찌개")),
        ("ingredients", (None, "두부")),
        ("ingredients", (None, "돼지고기")),
        ("k", (None, "1")),
    ]
    answer = requests.post(f"{address}/search", files=parts, timeout=20)
    assert answer.status_code == 200
    assert answer.json()["asked_with"] == ["title", "ingredients"]


@pytest.mark.parametrize(
    ("parts", "status", "word"),
    [
        ([("colour", (None, "red"))], 422, "the field 'colour'"),
        ([("query", (None, "{}")), ("title", (None, "a"))], 422, "holds the whole query"),
        ([("query", (None, "{"))], 422, "the query"),
        ([("k", (None, "many"))], 422, "k: "),
        ([("file", ("a.jpg", picture_bytes()))], 422, "expected one named 'photo'"),
        ([("photo", ("a.jpg", b"no photo"))], 415, "no readable photo"),
        ([("photo", ("a.jpg", picture_bytes()))] * 2, 400, "Too many files"),
        ([("title", (None, "\0"))], 422, "empty"),
    ],
)
def test_what_is_wrong_with_a_form_is_told(
    address: str, parts: list[tuple[str, object]], status: int, word: str
) -> None:
    answer = requests.post(f"{address}/search", files=parts, timeout=20)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert word in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--", 400),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("application/x-www-form-urlencoded", b"title=a", 415),
        ("application/json; charset=utf-8", '{"title": "국"}'.encode(), 200),
        ("application/json", b"\xff\xfe", 422),
    ],
)
def test_other_bodies(address: str, kind: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": kind}
    answer = requests.post(f"{address}/search", data=body, headers=headers, timeout=20)
    assert answer.status_code == status


def test_a_photo_never_touches_the_disk(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "forbidden"
    folder.write_text("no folder, so that a file in it cannot be made")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(OSError, match="forbidden"), tempfile.TemporaryFile():
        pass
    large = io.BytesIO(picture_bytes((1200, 1200), "PNG") + bytes(3_000_000))
    answer = requests.post(f"{address}/search", files={"photo": large}, timeout=20)
    assert answer.status_code == 200
