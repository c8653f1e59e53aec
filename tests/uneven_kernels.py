"""Kernels of no CPU that exists: what a float32 product rounds to depends on its shape and place.

``python -m pytest -p tests.uneven_kernels`` runs tests under them. Every library may add the terms
of a product in another order for another shape, another row or another CPU, and each order rounds
differently; but one CPU shows only a few of them. Here torch's products of matrices and
convolutions in float32 go up, down or stay by one unit in the last place, as a hash of the
result's shape and the element's place says, wherever the exact result is not a float32 number. So
the same call gives the same bytes and nothing else does, which is all that may be relied on. The
libraries under numpy, and child processes, are left alone, so tests that compare bytes with those
of a child compare two machines, as it were: `OF_TWO` are left out. It costs a second product, in
float64.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

_PRODUCTS = frozenset({
    "aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mv", "aten::dot",
    "aten::convolution",
})  # fmt: skip
OF_TWO = (
    "tests/training/test_pretended_gpu.py::test_nothing_is_left_behind_and_the_weights_are_those",
    "tests/training/test_resume.py::test_killed_twice_it_ends_with_the_same_bits",
)
"""Tests that compare bytes with those of a child process, as their ids begin."""


class UnevenKernels(TorchDispatchMode):
    """While active, products in float32 have last bits of their own for each shape and place."""

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Compute, and change the last bits of what is a rounded float32 product."""
        given = dict(kwargs or {})
        found = func(*args, **given)
        name = func._schema.name
        if name not in _PRODUCTS or found.dtype != torch.float32 or found.device.type != "cpu":
            return found
        given.pop("out", None)
        wide = getattr(torch.ops.aten, name.removeprefix("aten::"))
        exact = wide(*tree_map(_widen, args), **tree_map(_widen, given))
        with torch.no_grad():
            changed = _change(found.numpy(force=True), exact.numpy(force=True))
            return found.copy_(torch.from_numpy(changed))


def _widen(value: object) -> object:
    is_single = isinstance(value, torch.Tensor) and value.dtype == torch.float32
    return value.double() if is_single else value  # type: ignore[attr-defined]


def _change(
    found: npt.NDArray[np.float32], exact: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Return `found`, with each rounded element one unit up, down or as it is."""
    place = np.arange(found.size, dtype=np.uint64) + np.uint64(hash(found.shape) % 2**32)
    turned = (place * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    step = ((turned % np.uint64(3)).astype(np.float32) - 1).reshape(found.shape)
    is_rounded = (exact != found) & np.isfinite(found) & (step != 0)
    return np.where(is_rounded, np.nextafter(found, step * np.finfo(np.float32).max), found)


@pytest.fixture(autouse=True)
def uneven_kernels() -> Iterator[None]:
    """Hold every test to them; fixtures of wider scope keep the kernels of the CPU."""
    with UnevenKernels():
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that compare with a child process, which keeps the kernels of the CPU."""
    alone = [item for item in items if not item.nodeid.startswith(OF_TWO)]
    config.hook.pytest_deselected(items=[item for item in items if item not in alone])
    items[:] = alone


def pytest_report_header() -> str:
    """Say what the tests run under."""
    return "kernels: uneven (tests/uneven_kernels.py)"
