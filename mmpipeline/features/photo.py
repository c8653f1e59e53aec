"""The safe opening of photos from outside: kind and size are settled before any decoding.

Everything that shows a picture to an encoder goes through `load_photo`, so a recipe's photo and a
photo in a query are turned, coloured and refused alike. Bytes, format and pixels are checked from
the header; only then does Pillow decode. The price is one list of formats: HEIC and AVIF are
named in the refusal instead of being decoded, since their decoders are a large attack surface.
"""

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from mmpipeline.errors import ImageError

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PHOTO_BYTES = 25_000_000

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"heif", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise on damaged input (found by flipping and cutting bytes of photos).
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
# `warnings.catch_warnings` changes the whole process, so only one thread may be inside it.
_WARNINGS_LOCK = threading.Lock()


class RejectedPhotoError(ImageError):
    """A photo that was refused, with a code that refusals can be counted by.

    Parameters
    ----------
    reason
        Such as ``missing``, ``too_large``, ``heic``, ``not_a_photo``, ``too_many_pixels``,
        ``damaged``.
    message
        For people, on one line.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def load_photo(
    source: Path | bytes,
    max_pixels: int,
    *,
    max_bytes: int = MAX_PHOTO_BYTES,
    min_edge_px: int | None = None,
) -> Image.Image:
    """Decode one photo as a person would see it: upright, in RGB, transparency on white.

    Parameters
    ----------
    source
        The file, or its content. Of an animation the first frame counts.
    max_pixels
        Width times height that is still decoded.
    max_bytes
        Size of the file that is still read.
    min_edge_px
        Enough resolution for the caller: a JPEG may then be decoded at a half, quarter or eighth
        as long as both edges keep this length. None decodes in full.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, EXIF orientation applied.

    Raises
    ------
    RejectedPhotoError
        An `ImageError`: there is no such file, or it is no photo of `PHOTO_FORMATS`, too large
        or damaged.
    """
    name = "the photo" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else read_photo(source, max_bytes)
    if len(content) > max_bytes:
        raise RejectedPhotoError(
            "too_large", f"{name} has more than {max_bytes:,} bytes; give a smaller photo"
        )
    _refuse_phone_formats(content, name)
    image = _open_header(content, name)
    _check_pixels(image, max_pixels, name)
    try:
        if min_edge_px is not None:
            image.draft("RGB", (min_edge_px, min_edge_px))
        image.load()
        photo = _to_rgb(image)
    except _DECODER_ERRORS as error:
        raise RejectedPhotoError(
            "damaged", f"{name} is damaged or cut off ({_first_line(error)}); give another photo"
        ) from error
    turn = _TURNS.get(_read_orientation(image))
    return photo if turn is None else photo.transpose(turn)


def check_photo_header(
    content: bytes, max_pixels: int, formats: tuple[str, ...] = PHOTO_FORMATS
) -> None:
    """Refuse a photo by its header alone; no pixel is decoded.

    Parameters
    ----------
    content
        The photo.
    max_pixels
        Width times height that is accepted.
    formats
        Those of `PHOTO_FORMATS` that are accepted.

    Raises
    ------
    RejectedPhotoError
        If it is no photo of those formats, or has too many pixels.
    """
    _refuse_phone_formats(content, "the photo")
    _check_pixels(_open_header(content, "the photo", formats), max_pixels, "the photo")


def read_photo(path: Path, max_bytes: int = MAX_PHOTO_BYTES) -> bytes:
    """Read a photo's file, and not much more than the cap.

    Parameters
    ----------
    path
        Where it lies.
    max_bytes
        Of a larger file, one byte more is read, so that `load_photo` refuses it.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    RejectedPhotoError
        If there is no such file or it cannot be read.
    """
    if not path.is_file():
        found = "is no file" if path.exists() else "does not exist"
        raise RejectedPhotoError("missing", f"{path} {found}; give the path of a photo")
    try:
        with path.open("rb") as file:  # a buffer of the cap's length would cost more than reading
            return file.read(min(os.fstat(file.fileno()).st_size, max_bytes) + 1)
    except OSError as error:
        reason = error.strerror or "input error"
        raise RejectedPhotoError("missing", f"{path} cannot be read: {reason}") from error


def _refuse_phone_formats(content: bytes, name: str) -> None:
    if content[4:8] != b"ftyp":
        return
    length = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[8:12]} | {content[start : start + 4] for start in range(16, length, 4)}
    if brands & _AVIF_BRANDS:
        raise RejectedPhotoError("avif", f"{name} is an AVIF picture; export it as JPEG")
    if brands & _HEIC_BRANDS:
        raise RejectedPhotoError(
            "heic",
            f"{name} is a HEIC photo from a phone, which is not read here; export it as JPEG, or "
            "set the camera to 'Most Compatible' (iPhone: Settings > Camera > Formats)",
        )


def _check_pixels(image: Image.Image, max_pixels: int, name: str) -> None:
    if image.width * image.height > max_pixels:
        raise RejectedPhotoError(
            "too_many_pixels",
            f"{name} is {image.width} x {image.height} pixels; at most {max_pixels:,} pixels are "
            "accepted, give a smaller photo",
        )


def _open_header(
    content: bytes, name: str, formats: tuple[str, ...] = PHOTO_FORMATS
) -> Image.Image:
    """Read format and size; no pixel is decoded.

    Raises
    ------
    RejectedPhotoError
        If it is no photo, or one that Pillow itself holds for a bomb.
    """
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a malformed second picture inside a JPEG
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(content), formats=formats)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise RejectedPhotoError(
                "too_many_pixels", f"{name} is far too large to decode; give a smaller photo"
            ) from error
        except _DECODER_ERRORS as error:
            raise RejectedPhotoError(
                "not_a_photo",
                f"{name} is no readable photo; expected {', '.join(formats[:-1])} or {formats[-1]}",
            ) from error


def _read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; to be called on a decoded image.

    Pillow decodes a PNG to look for its tags, so asking earlier would pass by the size check.
    """
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a broken tag block does not make a photo unusable
        try:
            orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        except _DECODER_ERRORS:
            return 1
    return orientation if isinstance(orientation, int) else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips it at 255
        grey = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:120] or type(error).__name__
