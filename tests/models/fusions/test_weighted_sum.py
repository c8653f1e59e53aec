import pytest
import torch
from torch.nn import functional

from mmpipeline.models import FusionModel, ModelOptions
from mmpipeline.models.fusions.shape import FusionShape
from mmpipeline.models.fusions.weighted_sum import WeightedSumFusion


def test_is_the_weighted_sum_of_unit_vectors() -> None:
    fusion = WeightedSumFusion(FusionShape(3, 4, 4, 0.0))
    fusion.log_weights.data = torch.tensor([0.0, 1.0, -1.0])
    codes = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, False, True], [False, True, False]])
    found = fusion(codes, mask)
    units = functional.normalize(codes, dim=2)
    assert torch.allclose(found[0], units[0, 0] + units[0, 2] * torch.e**-1)
    assert torch.allclose(found[1], units[1, 1] * torch.e)


def test_an_absent_part_says_nothing() -> None:
    fusion = WeightedSumFusion(FusionShape(2, 4, 6, 0.0))
    codes = torch.randn(1, 2, 4)
    mask = torch.tensor([[True, False]])
    found = fusion(codes, mask)
    codes[0, 1] = 1e30
    assert torch.equal(fusion(codes, mask), found)
    assert found.shape == (1, 6)


@pytest.mark.parametrize("encoder", ["linear", "deep"])
def test_a_model_of_it_keeps_single_parts_near_the_whole(encoder: str) -> None:
    torch.manual_seed(0)
    dims = {"image": 5, "title": 7}
    model = FusionModel(dims, 8, 8, options=ModelOptions("weighted_sum", encoder=encoder))
    inputs = {name: torch.randn(3, dim) for name, dim in dims.items()}
    whole = model.embed(inputs, torch.ones(3, 2, dtype=torch.bool))
    part = model.embed(inputs, torch.tensor([[True, False]] * 3))
    assert ((whole * part).sum(dim=1) > 0.1).all()  # a part is one of two unit vectors of the sum
