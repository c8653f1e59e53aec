import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.web.decoding import decode_body, decode_text
from mmpipeline.web.failures import RequestFailedError

KOREAN = "김치찌개를 끓인다"


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 64))
def test_all_encodings_come_back_whole_in_any_pieces(body: bytes, size: int) -> None:
    raw_deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # A raw stream may look like one with a header; servers that omit it do not send such bytes.
    bare = raw_deflate.compress(body) + raw_deflate.flush()
    wires = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "": body}
    if bare[0] & 0x0F != 8:
        wires["Deflate"] = bare
    for encoding, wire in wires.items():
        pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
        assert decode_body(pieces, encoding, 1000) == body


def test_two_gzip_members_are_one_body() -> None:
    assert decode_body([gzip.compress(b"a") + gzip.compress(b"b")], "gzip", 10) == b"ab"


@pytest.mark.parametrize(
    ("wire", "encoding", "cap", "reason"),
    [
        (b"no gzip", "gzip", 100, "bad_encoding"),
        (gzip.compress(b"x" * 50, mtime=0)[:-9], "gzip", 100, "truncated"),
        (gzip.compress(b"x" * 50, mtime=0), "gzip", 49, "too_large"),
        (b"x", "gzip, gzip", 100, "bad_encoding"),
    ],
    ids=["no gzip", "cut", "over the cap", "twice encoded"],
)
def test_a_bad_body_is_a_reason(wire: bytes, encoding: str, cap: int, reason: str) -> None:
    with pytest.raises(RequestFailedError) as caught:
        decode_body([wire], encoding, cap)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (KOREAN.encode(), "text/html; charset=UTF-8"),
        (KOREAN.encode(), "text/html"),
        (KOREAN.encode(), None),
        (b"\xef\xbb\xbf" + KOREAN.encode(), None),
        (KOREAN.encode("cp949"), "text/html; charset=EUC-KR"),
        (b'<meta charset="euc-kr">' + KOREAN.encode("cp949"), "text/html"),
        (b'<meta charset="euc-kr">' + KOREAN.encode("cp949"), "text/html; charset=ISO-8859-1"),
        (b'<meta charset="euc-kr">' + KOREAN.encode("cp949"), "text/html; charset=utf-8"),
        (b"<meta charset=nonsense>" + KOREAN.encode(), "text/html; charset=rot13"),
    ],
)
def test_text_is_never_garbled(body: bytes, content_type: str | None) -> None:
    text = decode_text(body, content_type)
    assert text is not None
    assert text.endswith(KOREAN)


def test_bytes_of_no_character_set_are_refused() -> None:
    assert decode_text(KOREAN.encode("cp949"), "text/html") is None
