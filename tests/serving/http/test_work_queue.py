import asyncio
import threading

import pytest

from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.serving.http.work_queue import WorkQueue


def test_work_beyond_the_places_is_refused_and_later_taken() -> None:
    async def use() -> list[int | str]:
        queue = WorkQueue(workers=1, places=2)
        may_end = threading.Event()
        running = [asyncio.create_task(queue.run(may_end.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert queue.taken == 2
        seen: list[int | str] = []
        try:
            await queue.run(lambda: None)
        except RefusedError as error:
            seen += [error.status, error.reason]
        may_end.set()
        await asyncio.gather(*running)
        await asyncio.sleep(0)
        seen.append(await queue.run(lambda: 7))
        queue.close()
        return seen

    assert asyncio.run(use()) == [503, "overloaded", 7]


def test_a_place_is_kept_until_the_work_is_done() -> None:
    async def use() -> tuple[int, int]:
        queue = WorkQueue(workers=1, places=2)
        may_end = threading.Event()
        task = asyncio.create_task(queue.run(may_end.wait))
        await asyncio.sleep(0.05)
        task.cancel()  # the client hangs up
        await asyncio.sleep(0.05)
        during = queue.taken
        may_end.set()
        await asyncio.sleep(0.1)
        after = queue.taken
        queue.close()
        return during, after

    assert asyncio.run(use()) == (1, 0)


def test_an_error_comes_back_and_frees_the_place() -> None:
    async def use() -> int:
        queue = WorkQueue(workers=1, places=1)
        with pytest.raises(ValueError, match="broken"):
            await queue.run(fail)
        await asyncio.sleep(0)
        queue.close()
        return queue.taken

    def fail() -> None:
        raise ValueError("broken")

    assert asyncio.run(use()) == 0
