import math

import numpy as np
import pytest
import torch

from mmpipeline.talk.models.reference_statistics import STATISTICS, reference_statistics


def test_against_a_loop() -> None:
    references = torch.randn(3, 7, 2, generator=torch.Generator().manual_seed(0)).double()
    found = reference_statistics(references)
    assert found.shape == (3, 2, STATISTICS)
    for c, rows in enumerate(references.numpy()):
        kurtoses, reaches, ranges, absolutes = [], [], [], []
        for d in range(2):
            values = rows[:, d]
            mean = values.mean()
            variance = (7 * values.var() + 1.5 * 0.6) / (6 + 1.5)
            deviation = math.sqrt(variance)
            kurtosis = ((values - mean) ** 4).mean() / variance**2
            above, below = (values.max() - mean) / deviation, (mean - values.min()) / deviation
            own = [mean, math.log(variance), deviation, kurtosis / 3, above, below]
            own += [values.max(), values.min()]
            np.testing.assert_allclose(found[c, d, :8], own)
            kurtoses.append(kurtosis)
            reaches.append(max(above, below))
            ranges.append(above + below)
            absolutes.append(np.abs(values - mean).mean() / deviation)
        shape = [np.mean(kurtoses), np.mean(reaches), np.mean(ranges), np.mean(absolutes)]
        shape += [max(reaches), math.log(7) / 5, 7**-0.5]
        np.testing.assert_allclose(found[c, 0, 8:], shape)
        np.testing.assert_allclose(found[c, 1, 8:], shape)


def test_the_order_of_references_does_not_matter() -> None:
    references = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(1)).double()
    shuffled = references[:, torch.randperm(9)]
    torch.testing.assert_close(reference_statistics(references), reference_statistics(shuffled))


def test_one_reference_and_equal_ones_give_finite_numbers() -> None:
    for references in (torch.randn(2, 1, 3), torch.ones(2, 5, 3)):
        found = reference_statistics(references)
        assert found.isfinite().all()
        assert (found[..., 2] > 0).all()


def test_shape_tells_flat_from_bell() -> None:
    generator = torch.Generator().manual_seed(2)
    flat = 2 * torch.rand(1, 500, 4, generator=generator) - 1
    bell = torch.randn(1, 500, 4, generator=generator)
    kurtosis = reference_statistics(torch.cat([flat, bell]))[:, 0, 8]
    assert float(kurtosis[0]) == pytest.approx(1.8, abs=0.1)
    assert float(kurtosis[1]) == pytest.approx(3.0, abs=0.4)
