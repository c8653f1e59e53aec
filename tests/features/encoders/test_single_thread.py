import threading

import torch
from threadpoolctl import threadpool_info

from mmpipeline.features.encoders.single_thread import one_thread


def numpy_threads() -> set[int]:
    of_numpy = [found for found in threadpool_info() if "numpy.libs" in found["filepath"]]
    assert of_numpy
    return {found["num_threads"] for found in of_numpy}


def test_limit_holds_inside_and_is_given_back() -> None:
    before, torch_before = numpy_threads(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread(), one_thread():
            assert numpy_threads() == {1}
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(torch_before)
    assert numpy_threads() == before


def test_two_threads_are_never_inside_together_and_both_are_limited() -> None:
    inside: list[int] = []
    seen: list[tuple[int, set[int], int]] = []

    def work() -> None:
        for _ in range(20):
            with one_thread():
                inside.append(1)
                seen.append((len(inside), numpy_threads(), torch.get_num_threads()))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(1, {1}, 1)] * 40
