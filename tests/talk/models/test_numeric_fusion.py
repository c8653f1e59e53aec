import math

import pytest
import torch

from mmpipeline.models.fusions.table import ModelOptions
from mmpipeline.talk.models.numeric_fusion import NumericEncoding, NumericFusionModel


def test_bumps_against_a_loop() -> None:
    encoding = NumericEncoding(4)  # at -3, -1, 1, 3, each of deviation 2
    values = torch.tensor([[0.5, -2.0]])
    expected = []
    for value in (0.5, -2.0):
        expected += [value, *(math.exp(-(((value - c) / 2) ** 2) / 2) for c in (-3, -1, 1, 3))]
    torch.testing.assert_close(encoding(values), torch.tensor([expected]))
    assert encoding.columns(2) == 10


def test_no_bumps_leave_values_alone_and_one_is_refused() -> None:
    values = torch.randn(3, 2)
    torch.testing.assert_close(NumericEncoding(0)(values), values)
    with pytest.raises(ValueError, match="one bump"):
        NumericEncoding(1)


@pytest.mark.parametrize("bumps", [0, 5])
def test_absent_values_are_not_read(bumps: int) -> None:
    torch.manual_seed(0)
    model = NumericFusionModel((3, 2), 8, 4, bumps)
    inputs = [torch.randn(5, 3), torch.randn(5, 2)]
    mask = torch.tensor([[True, False]]).expand(5, 2)
    expected = model(inputs, mask)
    inputs[1] = torch.full((5, 2), float("nan"))
    assert torch.equal(model(inputs, mask), expected)
    torch.testing.assert_close(expected.norm(dim=1), torch.ones(5))


def test_options_reach_the_fusion_model() -> None:
    torch.manual_seed(0)
    model = NumericFusionModel((3,), 8, 4, options=ModelOptions(plain=True, unit_length=False))
    vectors = model([10 * torch.randn(6, 3)], torch.ones(6, 1, dtype=torch.bool))
    assert (vectors.norm(dim=1) - 1).abs().max().item() > 0.1
