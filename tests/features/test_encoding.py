from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import StageError
from mmpipeline.features.cache import EncodingCache
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.encoding import CachedEncoding
from mmpipeline.features.photo import RejectedPhotoError
from mmpipeline.features.photo_keys import CACHE_NAME, PhotoKeys
from mmpipeline.features.workers import EncodingWorkers
from mmpipeline.parallel import Workers
from tests.features.conftest import draw_photo, encode_bytes

CONFIG = FeatureConfig(
    image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64, image_size_px=48
)


def open_encoding(folder: Path) -> CachedEncoding:
    names = EncoderSet.build(CONFIG).cache_names
    return CachedEncoding(
        EncodingCache(folder, names["text"]),
        EncodingCache(folder, names["image"]),
        PhotoKeys(EncodingCache(None, CACHE_NAME)),
        EncodingWorkers(CONFIG, 1),
        Counter(),
    )


def close(encoding: CachedEncoding) -> None:
    for part in (encoding.text_cache, encoding.image_cache, encoding.workers):
        part.__exit__(None, None, None)


def test_texts_come_back_as_encoded_and_each_only_once(tmp_path: Path) -> None:
    texts = ["두부", "", "beef stew", "두부", "★"]
    expected = EncoderSet.build(CONFIG).encode_texts(texts).astype(np.float16)
    for encoded, reused in ((3, 1), (0, 4)):
        encoding = open_encoding(tmp_path)
        assert np.array_equal(encoding.texts(texts, 64), expected)
        assert encoding.counts == {"encoded": encoded, "reused": reused}
        close(encoding)
    assert not expected[1].any()
    assert not expected[4].any()


@pytest.mark.parametrize("padding", [b"", b"x"])
def test_photos_come_back_as_encoded_and_refusals_as_refused(
    tmp_path: Path, padding: bytes
) -> None:
    content = encode_bytes(draw_photo(1))
    (tmp_path / "good.png").write_bytes(content)
    (tmp_path / "copy.png").write_bytes(content)
    (tmp_path / "bad.png").write_bytes(b"<html>" + padding)
    paths = [tmp_path / f"{name}.png" for name in ("good", "bad", "absent", "copy")]
    expected = EncoderSet.build(CONFIG).encode_photo(content).astype(np.float16)
    told = []
    for encoded, reused in ((2, 1), (0, 3)):
        encoding = open_encoding(tmp_path / "cache")
        good, bad, absent, copy = encoding.photos(paths)
        assert np.array_equal(good, expected)
        assert np.array_equal(copy, expected)
        assert isinstance(bad, RejectedPhotoError)
        assert isinstance(absent, RejectedPhotoError)
        told.append([(error.reason, str(error)) for error in (bad, absent)])
        assert encoding.counts == {"encoded": encoded, "reused": reused}
        close(encoding)
    assert [reason for reason, _ in told[0]] == ["not_a_photo", "missing"]
    assert told[0] == told[1]


def test_a_value_of_another_length_is_encoded_again(tmp_path: Path) -> None:
    encoding = open_encoding(tmp_path)
    expected = encoding.texts(["두부"], 64)
    with encoding.text_cache as cache:
        key = next(iter(cache._connection.execute("SELECT key FROM encoded")))[0]
        cache.put({key: b"1234"})
    encoding = open_encoding(tmp_path)
    assert np.array_equal(encoding.texts(["두부"], 64), expected)
    close(encoding)


class Elsewhere(ThreadPoolExecutor):
    """Does tasks as a machine would that has no photos; or sees them vanish."""

    def __init__(self, *, vanish: bool) -> None:
        super().__init__(1)
        self.vanish = vanish

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        task, config, paths = args
        assert isinstance(paths, list)
        if self.vanish:
            for path in paths:
                path.unlink()
        else:
            paths = [path.with_name(f"elsewhere-{path.name}") for path in paths]
        return super().submit(fn, task, config, paths, **kwargs)


def test_a_worker_that_does_not_see_the_photos_is_no_reason_to_do_without(tmp_path: Path) -> None:
    photo = tmp_path / "good.png"
    photo.write_bytes(encode_bytes(draw_photo(1)))
    with Elsewhere(vanish=False) as executor:
        encoding = open_encoding(tmp_path / "cache")
        encoding.workers = EncodingWorkers(CONFIG, Workers(executor, 1))
        with pytest.raises(StageError, match=r"good\.png is there, but the worker"):
            encoding.photos([photo])
        close(encoding)


def test_a_photo_that_vanished_is_refused_but_its_content_is_not(tmp_path: Path) -> None:
    photo = tmp_path / "good.png"
    photo.write_bytes(content := encode_bytes(draw_photo(1)))
    encoding = open_encoding(tmp_path / "cache")
    with Elsewhere(vanish=True) as executor:
        encoding.workers = EncodingWorkers(CONFIG, Workers(executor, 1))
        (refused,) = encoding.photos([photo])
        assert isinstance(refused, RejectedPhotoError)
        assert refused.reason == "missing"
    photo.write_bytes(content)
    encoding.workers = EncodingWorkers(CONFIG, 1)
    (vector,) = encoding.photos([photo])
    assert isinstance(vector, np.ndarray)
    close(encoding)
