from concurrent.futures import ThreadPoolExecutor

import pytest

from mmpipeline.parallel import Workers


@pytest.mark.parametrize(("count", "expected"), [(1, 4), (2, 4), (3, 6), (40, 80)])
def test_enough_is_under_way_for_every_worker(count: int, expected: int) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert Workers(executor, count).max_in_flight(4) == expected
