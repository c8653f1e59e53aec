import os
from collections.abc import Sequence

import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoders import EncoderSet
from mmpipeline.features.workers import EncodingWorkers

CONFIG = FeatureConfig(
    image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64
)


def where_encoded(encoders: EncoderSet, texts: Sequence[str]) -> list[tuple[str, int, int]]:
    return [(text, encoders.text.dim, os.getpid()) for text in texts]


def test_little_work_stays_in_this_process() -> None:
    texts = [str(number) for number in range(50)]
    with EncodingWorkers(CONFIG, 2) as workers:
        results = workers.map(where_encoded, texts)
        assert workers.map(where_encoded, []) == []
    assert results == [(text, 64, os.getpid()) for text in texts]


def test_much_work_is_shared_and_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmpipeline.features.workers.PATIENCE_S", 0)
    texts = [str(number) for number in range(100)]
    with EncodingWorkers(CONFIG, 2) as workers:
        results = workers.map(where_encoded, texts)
    assert [text for text, _, _ in results] == texts
    assert {dim for _, dim, _ in results} == {64}
    processes = {process for _, _, process in results}
    assert len(processes) == 2
    assert os.getpid() in processes
