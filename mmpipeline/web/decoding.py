"""The decoding of bytes on the wire to text, with caps: content encoding, then character set.

Decompression counts the bytes that come out, so a small body cannot become a huge one. Character
sets are tried in the order header, meta element, UTF-8, and strictly: text that came out garbled
would be stored for ever. The price is that a page with one broken byte is withheld.
"""

import re
import zlib
from collections.abc import Iterable

from mmpipeline.web.failures import RequestFailedError

_STEP_BYTES = 65_536
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I
)
_META_PREFIX_BYTES = 4096
# Korean pages labelled EUC-KR hold characters of its superset; browsers read them all as cp949.
_SUPERSETS = {"euc-kr": "cp949", "euckr": "cp949", "ks_c_5601-1987": "cp949", "ksc5601": "cp949"}
# Every byte string decodes in these: a server that was never configured names them.
_DEFAULT_LABELS = frozenset({
    "iso-8859-1",
    "latin-1",
    "latin1",
    "windows-1252",
    "us-ascii",
    "ascii",
})


class BodyDecoder:
    """Undoes a content encoding piece by piece, counting what comes out.

    Parameters
    ----------
    encoding
        Value of the ``Content-Encoding`` header.
    max_bytes
        Most decoded bytes that are accepted.
    """

    def __init__(self, encoding: str | None, max_bytes: int) -> None:
        self._encoding = (encoding or "identity").strip().lower()
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise RequestFailedError(
                "bad_encoding", f"asked for gzip or deflate, got {self._encoding[:40]!r}"
            )
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._inflater: zlib._Decompress | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next bytes as received.

        Raises
        ------
        RequestFailedError
            With reason ``too_large`` or ``bad_encoding``.
        """
        if self._encoding in {"", "identity"}:
            self._keep(piece)
        else:
            self._inflate(piece)

    def _inflate(self, piece: bytes) -> None:
        try:
            while piece:
                if self._inflater is None or self._inflater.eof:
                    self._inflater = zlib.decompressobj(self._window(piece))
                self._keep(self._inflater.decompress(piece, _STEP_BYTES))
                piece = self._inflater.unconsumed_tail or self._inflater.unused_data
        except zlib.error as error:
            raise RequestFailedError("bad_encoding", f"{self._encoding} body: {error}") from error

    def _window(self, piece: bytes) -> int:
        if self._encoding != "deflate":
            return zlib.MAX_WBITS | 16
        # Servers send "deflate" with and without the zlib header; its first byte tells.
        return zlib.MAX_WBITS if piece[0] & 0x0F == 8 else -zlib.MAX_WBITS

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise RequestFailedError(
                "too_large", f"body is over the cap of {self._max_bytes:,} decoded bytes"
            )
        self._pieces.append(piece)

    def finish(self) -> bytes:
        """Return the whole decoded body.

        Raises
        ------
        RequestFailedError
            With reason ``truncated`` when a compressed body ends in the middle.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise RequestFailedError("truncated", f"{self._encoding} body ends in the middle")
        return b"".join(self._pieces)


def decode_body(raw: Iterable[bytes], encoding: str | None, max_bytes: int) -> bytes:
    """Undo a content encoding.

    Parameters
    ----------
    raw
        The body as received, in pieces.
    encoding
        Value of the ``Content-Encoding`` header.
    max_bytes
        Most decoded bytes that are accepted.

    Returns
    -------
    bytes
        The decoded body.
    """
    decoder = BodyDecoder(encoding, max_bytes)
    for piece in raw:
        decoder.feed(piece)
    return decoder.finish()


def decode_text(body: bytes, content_type: str | None) -> str | None:
    """Turn a page's bytes into text: character set of the header, of a meta element, or UTF-8.

    Parameters
    ----------
    body
        Decoded body.
    content_type
        Value of the ``Content-Type`` header.

    Returns
    -------
    str or None
        None when none of the three fits all bytes.
    """
    declared = re.search(r"charset\s*=\s*[\"']?\s*([^\s;\"']{1,40})", content_type or "", re.I)
    meta = _META_CHARSET.search(body[:_META_PREFIX_BYTES])
    labels = [declared[1] if declared else None, meta[1].decode() if meta else None, "utf-8"]
    wanted = [label.lower() for label in labels if label]
    order = [label for label in wanted if label not in _DEFAULT_LABELS]
    order += [label for label in wanted if label in _DEFAULT_LABELS]
    for label in order:
        try:
            text = body.decode(_SUPERSETS.get(label, label)).removeprefix("\ufeff")
            if label != "utf-8":
                text.encode("utf-8")  # UTF-7 and the like can hold halves of characters
            return text
        except (UnicodeError, LookupError, ValueError):
            continue
    return None
