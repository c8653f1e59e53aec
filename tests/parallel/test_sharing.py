import os
from concurrent.futures import CancelledError

import pytest

from mmpipeline.parallel.sharing import SharingExecutor


@pytest.mark.parametrize("processes", [1, 2])
def test_the_work_is_shared(processes: int) -> None:
    with SharingExecutor(processes) as executor:
        pids = [executor.submit(os.getpid) for _ in range(4)]
        found = [future.result() for future in pids]
        assert len(set(found)) == processes
        assert os.getpid() in found
        kept = [executor.submit(int, "x") for _ in range(2)]
        for future in kept:
            with pytest.raises(ValueError, match="invalid literal"):
                future.result()


def test_a_kept_task_may_be_cancelled() -> None:
    with SharingExecutor(1) as executor:
        future = executor.submit(os.getpid)
        assert future.cancel()
        with pytest.raises(CancelledError):
            future.result()
