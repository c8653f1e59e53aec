"""Every page as received, in WARC files that other tools can read.

Records are appended to numbered segments, one gzip member each, so any record can be read alone
by its place and a segment stays readable up to where a crash cut it. The crawl state knows how
far each segment is good; what lies behind that is cut off before the next append, which loses at
most the one page that was in the air.

What brings nothing new leaves a ``revisit`` record without a body: status, headers, time, and the
sha256 of the body as received in ``WARC-Payload-Digest``. Its profile says why. `SAME_BODY`
is the standard's own: the archive has these very bytes. `SAME_RECIPE` is ours: adverts, views or
comments changed the bytes, but the recipe read from them is the one read from the page's last
``response`` record; the price is that those changed bytes cannot be had back. The standard tells
readers to leave the block of a record alone whose profile they do not know.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from mmpipeline import __version__
from mmpipeline.errors import ArtifactError
from mmpipeline.web.decoding import decode_body
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Response

SAME_BODY = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
"""Profile of a revisit whose body is, byte for byte, one that the archive has."""

SAME_RECIPE = "urn:x-mmpipeline:revisit:same-recipe"
"""Profile of a revisit whose body differs from the archive's only outside the recipe."""

SEGMENT_BYTES = 256_000_000
_PREFIX, _SUFFIX = "pages-", ".warc.gz"


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where a record lies: segment file name, byte offset and compressed length."""

    segment: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One response, read back.

    Attributes
    ----------
    body
        Content-decoded.
    fetched_at
        UTC, ISO 8601.
    """

    url: str
    status: int
    content_type: str | None
    body: bytes
    fetched_at: str


class PageArchive:
    """Appends responses to WARC segments in one folder.

    Parameters
    ----------
    folder
        Made when missing.
    good_bytes
        Length up to which each segment is known to be whole; a longer one is cut to it. A
        segment that is not named here is left alone, and writing goes on in a new one.
    segment_bytes
        Size from which a new segment is begun.
    """

    def __init__(
        self, folder: Path, good_bytes: Mapping[str, int], segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: BinaryIO | None = None
        folder.mkdir(parents=True, exist_ok=True)
        segments = sorted(path.name for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"))
        self._segment = segments[-1] if segments else self._name(1)
        if segments and self._segment not in good_bytes:
            self._segment = self._next_name()
        elif segments:
            path = folder / self._segment
            if path.stat().st_size > good_bytes[self._segment]:
                os.truncate(path, good_bytes[self._segment])

    @staticmethod
    def _name(number: int) -> str:
        return f"{_PREFIX}{number:05d}{_SUFFIX}"

    def _next_name(self) -> str:
        return self._name(int(self._segment[len(_PREFIX) : -len(_SUFFIX)]) + 1)

    def append(self, response: Response, *, revisit: str | None = None) -> ArchivePlace:
        """Write one response behind the last; it is in the file when this returns.

        Parameters
        ----------
        response
            As received.
        revisit
            Leave its body out, for the reason that this profile names: `SAME_BODY` or
            `SAME_RECIPE`.

        Returns
        -------
        ArchivePlace
            To read it back from.
        """
        file = self._open()
        if file.tell() >= self._segment_bytes:
            self.close()
            self._segment = self._next_name()
            file = self._open()
        return self._write(file, _response_record(response, revisit))

    def _open(self) -> BinaryIO:
        if self._file is None:
            self._file = (self._folder / self._segment).open("ab")
            if self._file.tell() == 0:
                self._write(self._file, _info_record(self._segment))
        return self._file

    def _write(self, file: BinaryIO, record: bytes) -> ArchivePlace:
        content = self.compress(record)
        offset = file.tell()
        file.write(content)
        file.flush()
        return ArchivePlace(self._segment, offset, len(content))

    def compress(self, record: bytes) -> bytes:
        """Compress one record; see `compress_record`."""
        return compress_record(record)

    def close(self) -> None:
        """Flush the segment to the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        """Return the archive."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the segment."""
        self.close()


def compress_record(record: bytes) -> bytes:
    """Return a record as one gzip member, readable alone."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return compressor.compress(record) + compressor.flush()


def _response_record(response: Response, revisit: str | None) -> bytes:
    # The body has no chunks any more; a reader that saw the header would look for them.
    headers = [
        (f"X-Archive-Orig-{name}" if name.lower() == "transfer-encoding" else name, value)
        for name, value in response.headers
    ]
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    payload = b"" if revisit else response.raw
    warc_headers = {
        "WARC-Date": response.fetched_at.replace("+00:00", "Z"),
        "WARC-Payload-Digest": f"sha256:{hashlib.sha256(response.raw).hexdigest()}",
    }
    if revisit:
        warc_headers["WARC-Profile"] = revisit
    record = writer.create_warc_record(
        response.url,
        "revisit" if revisit else "response",
        payload=io.BytesIO(payload),
        length=len(payload),
        http_headers=StatusAndHeaders(
            f"{response.status} {response.reason}".strip(), headers, protocol="HTTP/1.1"
        ),
        warc_headers_dict=warc_headers,
    )
    writer.write_record(record)
    return out.getvalue()


def _info_record(segment: str) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=False)
    info = {"software": f"mmpipeline/{__version__}", "format": "WARC File Format 1.0"}
    writer.write_record(writer.create_warcinfo_record(segment, info))
    return out.getvalue()


def read_page(folder: Path, place: ArchivePlace, max_bytes: int) -> ArchivedPage:
    """Read one response back.

    Parameters
    ----------
    folder
        The archive's folder.
    place
        As `PageArchive.append` returned it.
    max_bytes
        Cap of the decoded body.

    Returns
    -------
    ArchivedPage
        The response.

    Raises
    ------
    ArtifactError
        If the record is missing, cut or changed.
    """
    try:
        with (folder / place.segment).open("rb") as file:
            file.seek(place.offset)
            member = io.BytesIO(file.read(place.length))
        record = next(iter(ArchiveIterator(member)))
        raw = record.raw_stream.read()
        digest = record.rec_headers.get_header("WARC-Payload-Digest")
        if digest != f"sha256:{hashlib.sha256(raw).hexdigest()}":
            raise ArtifactError(f"{_say(folder, place)} does not match its digest (damaged)")
        headers = record.http_headers
        return ArchivedPage(
            url=record.rec_headers.get_header("WARC-Target-URI"),
            status=int(headers.get_statuscode()),
            content_type=headers.get_header("Content-Type"),
            body=decode_body([raw], headers.get_header("Content-Encoding"), max_bytes),
            fetched_at=record.rec_headers.get_header("WARC-Date"),
        )
    except (OSError, StopIteration, ArchiveLoadFailed, RequestFailedError, zlib.error) as error:
        raise ArtifactError(f"{_say(folder, place)} cannot be read: {error}") from error


def _say(folder: Path, place: ArchivePlace) -> str:
    return f"archive record at byte {place.offset} of {folder / place.segment}"
