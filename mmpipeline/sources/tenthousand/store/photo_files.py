"""Photo files, kept once each under the hash of their bytes.

A photo is decoded once when it arrives, with caps on bytes and pixels, and its file is kept
exactly as received (orientation tags included): what a page shows twice costs one file, and a
file that cannot be decoded never reaches a later stage. The size that is recorded is that of the
upright photo, after the EXIF turn, since that is what every reader of the file works with.
"""

import hashlib
import io
import struct
import warnings
import zlib
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from PIL import ExifTags, Image

from mmpipeline.config.base import MAX_PIXELS
from mmpipeline.errors import ImageError
from mmpipeline.sources.tenthousand.store.photos import StoredPhoto
from mmpipeline.storage.atomic import write_bytes_atomic

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}
_SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""

# What Pillow's decoders raise on damaged input.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def photo_key(url: str, page_url: str) -> str:
    """Return the name that the crawl state keeps a photo under.

    Parameters
    ----------
    url, page_url
        Absolute addresses of the photo and of a page that shows it.

    Returns
    -------
    str
        Path and query when both are on one host, so that a site that moves to another port or
        scheme is not fetched again; else the whole address.
    """
    photo = urlsplit(url)
    if photo.netloc != urlsplit(page_url).netloc:
        return url
    return urlunsplit(("", "", photo.path, photo.query, ""))


def check_photo(content: bytes) -> tuple[str, int, int]:
    """Decode a photo to see that it is one.

    Parameters
    ----------
    content
        File content.

    Returns
    -------
    tuple of str, int, int
        File suffix; width and height in pixels of the upright photo, that is after the turn that
        its EXIF tag asks for. Of an animation the first frame counts.

    Raises
    ------
    ImageError
        If it is no JPEG, PNG, WebP or GIF, is damaged, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=tuple(_SUFFIXES)) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ImageError(
                        f"photo of {width} x {height} pixels; at most {MAX_PIXELS:,} are accepted"
                    )
                image.load()
                if _is_on_its_side(image):
                    width, height = height, width
                return _SUFFIXES[str(image.format)], width, height
    except _DECODER_ERRORS as error:
        raise ImageError(
            f"expected a JPEG, PNG, WebP or GIF photo, got {content[:8]!r}: {error}"
        ) from error


def _is_on_its_side(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    except _DECODER_ERRORS:  # a broken tag turns nothing; the pixels are good
        return False


def keep_photo(store: Path, content: bytes) -> StoredPhoto:
    """Check a photo and put its file into the store.

    Parameters
    ----------
    store
        The store's folder.
    content
        File content as received.

    Returns
    -------
    StoredPhoto
        Where it lies: ``photos/ab/<sha256>.jpg``.

    Raises
    ------
    ImageError
        If it is no photo that can be used.
    """
    suffix, width, height = check_photo(content)
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"photos/{sha256[:2]}/{sha256}{suffix}"
    path = store / file
    if not (path.is_file() and path.stat().st_size == len(content)):
        write_bytes_atomic(path, content)
    return StoredPhoto(sha256, file, width, height, len(content))
