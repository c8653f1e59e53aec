"""Photos of the dump: where they lie, and whether they are photos.

Each file is read once: hashed and decoded in full, since the reference loaders' habit of showing
a filler picture for a broken file is what must not happen here. Decoding releases Python's lock,
so threads use all cores.
"""

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

PhotoState = Literal["present", "missing", "undecodable"]
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

# Ids become paths, and they come from a file somebody else wrote.
_SAFE_ID = re.compile(r"[0-9A-Za-z_-]{4,120}(?:\.[0-9A-Za-z]{1,8})?")
_PARTITIONS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Photo:
    """What is known of one photo file.

    Attributes
    ----------
    state
        Only a ``present`` one has `path` and `sha256`.
    detail
        Why it cannot be decoded.
    """

    state: PhotoState
    path: Path | None = None
    sha256: str | None = None
    detail: str = ""


class PhotoFolder:
    """Finds and checks the photos of a dump.

    Parameters
    ----------
    folder
        The dump's folder; photos lie below it or below its ``images``, under their partition
        (Recipe1M) or not (Recipe1M+), four levels deep by the first characters of their id.
    max_bytes, max_pixels
        A larger file or picture counts as undecodable.
    decode
        Decode each photo; without it a file's presence is believed.
    """

    def __init__(self, folder: Path, max_bytes: int, max_pixels: int, decode: bool) -> None:
        self._roots = [root for root in (folder / "images", folder) if root.is_dir()]
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._decode = decode

    def check(self, image_id: str, partition: str | None) -> Photo:
        """Look at one photo.

        Parameters
        ----------
        image_id
            Its id, such as ``3f00112233.jpg``.
        partition
            The partition of its recipe, where it is looked for first.

        Returns
        -------
        Photo
            Never raises for a bad file.
        """
        path = self._find(image_id, partition)
        if path is None:
            return Photo("missing")
        try:
            with path.open("rb") as file:
                content = file.read(self._max_bytes + 1)
        except OSError as error:
            return Photo("undecodable", detail=error.strerror or "cannot be read")
        if len(content) > self._max_bytes:
            return Photo("undecodable", detail=f"over {self._max_bytes} bytes")
        problem = self._find_problem(content) if self._decode else None
        if problem is not None:
            return Photo("undecodable", detail=problem)
        return Photo("present", path, hashlib.sha256(content).hexdigest())

    def _find(self, image_id: str, partition: str | None) -> Path | None:
        if not _SAFE_ID.fullmatch(image_id):
            return None
        below = Path(*image_id[:4], image_id)
        first = [partition] if partition else []
        places = [*first, ".", *(name for name in _PARTITIONS if name != partition)]
        for root in self._roots:
            for place in places:
                path = root / place / below
                if path.is_file():
                    return path
        return None

    def _find_problem(self, content: bytes) -> str | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                    if image.width * image.height > self._max_pixels:
                        return f"{image.width} x {image.height} pixels, over {self._max_pixels}"
                    image.load()
        except UnidentifiedImageError:
            return "no JPEG, PNG, WEBP or GIF picture"
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return str(error)
        return None
