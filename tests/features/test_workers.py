import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.workers import EncodingWorkers
from mmpipeline.parallel import Workers

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


def in_which_thread(encoders: EncoderSet, texts: Sequence[str]) -> list[str]:
    return [threading.current_thread().name for _ in texts]


def test_lent_workers_do_all_of_it_and_are_not_ended() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="lent") as executor:
        with EncodingWorkers(CONFIG, Workers(executor, 1)) as workers:
            assert set(workers.map(in_which_thread, ["a"])) == {"lent_0"}
        assert executor.submit(int, "1").result() == 1
