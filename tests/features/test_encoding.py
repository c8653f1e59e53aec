from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.features.cache import EncodingCache
from mmpipeline.features.encoders import EncoderSet
from mmpipeline.features.encoding import CachedEncoding, encode_photo
from mmpipeline.features.photo import RejectedPhotoError
from mmpipeline.features.workers import EncodingWorkers
from tests.features.conftest import draw_photo, encode_bytes

CONFIG = FeatureConfig(
    image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64, image_size_px=48
)


def open_encoding(folder: Path) -> CachedEncoding:
    names = EncoderSet.build(CONFIG).cache_names
    return CachedEncoding(
        EncodingCache(folder, names["text"]),
        EncodingCache(folder, names["image"]),
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
    expected = encode_photo(content, EncoderSet.build(CONFIG)).astype(np.float16)
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
