"""Photos of recipes as the page shows them: decoded, made small and written anew as JPEG.

Which file it is comes from the index, never from the request. Nothing of a stored file reaches the
browser as it is, so a file that only looks like a photo does no harm. The last few thousand are
kept in memory, within a bound of bytes.
"""

import io
import threading
from collections import OrderedDict
from pathlib import Path

from mmpipeline.features.photo import load_photo

_CACHE_BYTES = 64_000_000
_QUALITY = 82


class ThumbnailCache:
    """Makes and remembers small photos; safe in threads.

    Parameters
    ----------
    max_pixels
        A larger photo is not decoded.
    cache_bytes
        What is remembered, at most.
    """

    def __init__(self, max_pixels: int, cache_bytes: int = _CACHE_BYTES) -> None:
        self._max_pixels = max_pixels
        self._cache_bytes = cache_bytes
        self._held_bytes = 0
        self._held: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, size_px: int) -> bytes:
        """Return a photo as a small JPEG.

        Parameters
        ----------
        path
            The stored photo, as the index names it.
        size_px
            The longest edge; a smaller photo is not made larger.

        Returns
        -------
        bytes
            JPEG without any tags.

        Raises
        ------
        ImageError
            If the file is gone or is no photo.
        """
        key = (path, size_px)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        content = shrink_photo(path, size_px, self._max_pixels)
        with self._lock:
            if key not in self._held:
                self._held[key] = content
                self._held_bytes += len(content)
            while self._held_bytes > self._cache_bytes:
                self._held_bytes -= len(self._held.popitem(last=False)[1])
        return content


def shrink_photo(source: Path, size_px: int, max_pixels: int) -> bytes:
    """Decode a photo and write it anew, upright and small.

    Parameters
    ----------
    source
        The file.
    size_px
        Longest edge of the result, at most.
    max_pixels
        A larger photo is not decoded.

    Returns
    -------
    bytes
        JPEG without any tags.

    Raises
    ------
    ImageError
        If the file is gone or is no photo.
    """
    photo = load_photo(source, max_pixels, min_edge_px=size_px)
    photo.thumbnail((size_px, size_px))
    written = io.BytesIO()
    photo.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
