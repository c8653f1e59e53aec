import threading
import time

import pytest

from mmpipeline.web import watchdog
from mmpipeline.web.watchdog import Watchdog


def test_it_acts_when_time_is_over_and_only_then() -> None:
    acted = threading.Event()
    dog = Watchdog(acted.set)
    dog.arm(30)
    dog.disarm()
    dog.arm(0.05)  # earlier than the thread would wake by itself
    assert not acted.is_set()
    assert acted.wait(5)
    acted.clear()
    dog.arm(0.05)
    dog.disarm()
    time.sleep(0.15)
    assert not acted.is_set()


def test_many_requests_share_one_thread_that_ends_when_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "_IDLE_S", 0.1)
    before = threading.active_count()
    acted: list[int] = []
    dog = Watchdog(lambda: acted.append(1))
    for _ in range(100):
        dog.arm(0.2)
        dog.disarm()
    assert threading.active_count() == before + 1
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before
    dog.arm(0.01)
    while not acted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert acted == [1]
