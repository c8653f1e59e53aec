import threading
import time
from collections.abc import Callable

import pytest

from mmpipeline.errors import NoIndexError
from mmpipeline.search.current import current_version, promote
from mmpipeline.search.query import Query
from mmpipeline.search.release.live import LiveIndex
from mmpipeline.storage import DataLayout


def test_nothing_published_yet_is_told_and_followed_later(layout: DataLayout) -> None:
    with LiveIndex(layout, interval_s=60) as live:
        assert live.version is None
        assert "no index published yet" in (live.problem or "")
        with pytest.raises(NoIndexError, match="no index published yet"), live.lease():
            pass


def test_a_swap_lets_requests_in_flight_end_on_their_version(
    published: DataLayout, publish_another: Callable[[], str]
) -> None:
    first = current_version(published)
    live = LiveIndex(published)
    assert live.refresh()
    with live.lease() as index:
        second = publish_another()
        assert live.refresh()
        assert live.version == second != first
        assert index.version == first
        assert index.search(Query(title="국"), 3).version == first
        with live.lease() as newer:
            assert newer.version == second
    with pytest.raises(AttributeError):  # its last lease has ended
        index.search(Query(title="국"))
    assert not live.refresh()
    assert live.swaps == 1
    live.close()
    with pytest.raises(NoIndexError), live.lease():
        pass


def test_a_damaged_version_never_takes_over(
    published: DataLayout, publish_another: Callable[[], str]
) -> None:
    first = current_version(published)
    assert first is not None
    live = LiveIndex(published)
    live.refresh()
    second = publish_another()
    path = published.artifacts("index") / second / "subsets.json"
    path.write_bytes(path.read_bytes()[:-2])
    assert not live.refresh()
    assert live.version == first
    assert "subsets.json" in (live.problem or "")
    with live.lease() as index:
        assert index.search(Query(title="국"), 1).items
    promote(published, first)
    assert not live.refresh()
    assert live.problem is None
    live.close()


def test_requests_from_many_threads_never_fail_while_versions_swap(
    published: DataLayout, publish_another: Callable[[], str]
) -> None:
    first = current_version(published)
    assert first is not None
    second = publish_another()
    versions, failures = set(), []
    is_done = threading.Event()

    def ask(live: LiveIndex) -> None:
        while not is_done.is_set():
            try:
                with live.lease() as index:
                    result = index.search(Query(title="비빔밥"), 2)
                versions.add(result.version)
                assert len(result.items) == 2
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is a failure
                failures.append(error)

    with LiveIndex(published, interval_s=0.01) as live:
        threads = [threading.Thread(target=ask, args=(live,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for version in (first, second, first, second):
            promote(published, version)
            give_up = time.monotonic() + 20
            while live.version != version and time.monotonic() < give_up:
                time.sleep(0.01)
            assert live.version == version
        is_done.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert versions == {first, second}
