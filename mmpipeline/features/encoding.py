"""Contents to vectors by way of the cache: what the extraction does with a batch of recipes.

Each content (a text as its encoder reads it, a photo's bytes) is looked up under its sha256, which
is known of a photo file that has not changed (see `photo_keys`); only what is new goes to the
workers, and what they return is kept before anything else happens. A photo that was refused is kept
as well, with the reason, so that it is not decoded again. Everything passes through as the
little-endian float16 that the matrices hold, so a vector from the cache and a fresh one are the
same bytes.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmpipeline.arrays import Float16Array
from mmpipeline.errors import StageError
from mmpipeline.features.cache import EncodingCache, content_key
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.photo import RejectedPhotoError, read_photo
from mmpipeline.features.photo_keys import PhotoKeys
from mmpipeline.features.workers import EncodingWorkers


@dataclass(slots=True)
class CachedEncoding:
    """Encodes texts and photos, each content once.

    Attributes
    ----------
    text_cache, image_cache
        Where encoded contents are kept.
    photo_keys
        Finds the content keys of photos.
    workers
        What encodes the new ones.
    counts
        ``encoded`` contents, and those ``reused`` from the cache or from the same batch.
    """

    text_cache: EncodingCache
    image_cache: EncodingCache
    photo_keys: PhotoKeys
    workers: EncodingWorkers
    counts: Counter[str]

    def texts(self, texts: Sequence[str], dim: int) -> Float16Array:
        """Encode texts.

        Parameters
        ----------
        texts
            Any strings; an empty one is absent and is not looked up.
        dim
            Length of a vector.

        Returns
        -------
        numpy.ndarray
            Shape (N, dim); zeros where a text holds no letter or digit.
        """
        keys = [content_key(text.encode("utf-8", "surrogatepass")) for text in texts]
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if text}
        known = self.text_cache.get(wanted)
        known = {key: value for key, value in known.items() if len(value) == 2 * dim}
        new = [key for key in wanted if key not in known]
        values = self.workers.map(encode_text_values, [wanted[key] for key in new])
        fresh = dict(zip(new, values, strict=True))
        self.text_cache.put(fresh)
        self._count(sum(map(bool, texts)), len(fresh))
        known |= fresh
        nothing = bytes(2 * dim)
        joined = b"".join(known.get(key, nothing) for key in keys)
        return np.frombuffer(joined, dtype="<f2").reshape(len(texts), dim)

    def photos(self, paths: Sequence[Path]) -> list[Float16Array | RejectedPhotoError]:
        """Encode photos.

        Parameters
        ----------
        paths
            Where they lie.

        Returns
        -------
        list
            For each, its vector of shape (dim,), or why it was refused.

        Raises
        ------
        StageError
            If a worker cannot read a photo that is there.
        """
        keys = self.photo_keys.find(paths)
        known = self.image_cache.get(key for key in keys if isinstance(key, bytes))
        places = dict(zip(keys, paths, strict=True))
        new = [key for key in places if isinstance(key, bytes) and key not in known]
        values = self.workers.map(encode_photo_values, [places[key] for key in new])
        fresh = dict(zip(new, values, strict=True))
        gone = {key for key, value in fresh.items() if _is_missing(value)}
        _check_seen(places[key] for key in gone)
        self.image_cache.put({key: fresh[key] for key in fresh if key not in gone})
        self._count(sum(isinstance(key, bytes) for key in keys), len(fresh))
        known |= fresh
        return [_read_value(known[key]) if isinstance(key, bytes) else key for key in keys]

    def _count(self, contents: int, encoded: int) -> None:
        self.counts["encoded"] += encoded
        self.counts["reused"] += contents - encoded


def encode_text_values(encoders: EncoderSet, texts: Sequence[str]) -> list[bytes]:
    """Encode texts as what the cache keeps of them: the bytes of a float16 vector each."""
    return [vector.tobytes() for vector in encoders.encode_texts(texts).astype("<f2")]


def encode_photo_values(encoders: EncoderSet, paths: Sequence[Path]) -> list[bytes]:
    """Encode photos as what the cache keeps: a vector's bytes, or the refusal."""
    values = []
    for path in paths:
        try:
            vector = encoders.encode_photo(read_photo(path))
            values.append(vector.astype("<f2").tobytes())
        except RejectedPhotoError as error:
            values.append(_refusal(error))
    return values


def _is_missing(value: bytes) -> bool:
    outcome = _read_value(value)
    return isinstance(outcome, RejectedPhotoError) and outcome.reason == "missing"


def _check_seen(paths: Iterable[Path]) -> None:
    """Tell photos that went meanwhile from those that a worker does not see.

    Raises
    ------
    StageError
        If one of them is there.
    """
    unseen = next((path for path in paths if path.is_file()), None)
    if unseen is not None:
        raise StageError(
            f"{unseen} is there, but the worker that was to encode it cannot read it; every worker "
            "must see photos at the same paths"
        )


def _refusal(error: RejectedPhotoError) -> bytes:
    """Return a refusal as the cache keeps it: an odd number of bytes, which no vector has."""
    value = json.dumps([error.reason, str(error)]).encode()
    return value if len(value) % 2 == 1 else value + b" "


def _read_value(value: bytes) -> Float16Array | RejectedPhotoError:
    if len(value) % 2 == 1:
        return RejectedPhotoError(*json.loads(value))
    return np.frombuffer(value, dtype="<f2")
