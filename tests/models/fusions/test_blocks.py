import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mmpipeline.models import FusionModel, ModelOptions
from mmpipeline.models.fusions.blocks import BlockFusion
from mmpipeline.models.fusions.shape import FusionShape

SHAPE = FusionShape(parts=3, hidden_dim=8, embedding_dim=16)
MASK = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.bool)


def make_fusion(shape: FusionShape = SHAPE) -> BlockFusion:
    torch.manual_seed(0)
    fusion = BlockFusion(shape)
    fusion.log_weights.data = torch.linspace(-1, 1, len(fusion.log_weights))
    return fusion


def encode_fp16(mask: Tensor = MASK) -> Tensor:
    codes = torch.randn(len(mask), 3, 8, generator=torch.Generator().manual_seed(1))
    return torch.where(mask[..., None], codes, 0.0)


def test_each_modality_has_its_block_and_their_sum_the_last() -> None:
    fusion = make_fusion()
    blocks = fusion(encode_fp16(), MASK).unflatten(1, (4, 4))
    weights = fusion.log_weights.exp()
    held = torch.cat([MASK, MASK.sum(dim=1, keepdim=True) > 1], dim=1)
    torch.testing.assert_close(blocks.norm(dim=2), held * weights)
    codes = encode_fp16()
    first = functional.normalize(fusion.maps[0](codes[:, 0]), dim=1) * weights[0]
    torch.testing.assert_close(blocks[:3, 0], first[:3])


def test_a_query_of_one_modality_meets_that_modality_alone() -> None:
    fusion = make_fusion()
    codes = encode_fp16(torch.ones(2, 3, dtype=torch.bool))
    whole = fusion(codes, torch.ones(2, 3, dtype=torch.bool))
    for m in range(3):
        only = torch.zeros(2, 3, dtype=torch.bool)
        only[:, m] = True
        part = fusion(codes * only[..., None], only)
        torch.testing.assert_close(part @ whole.T, part @ part.T)


def test_what_is_absent_is_not_read() -> None:
    fusion = make_fusion()
    joined = fusion(encode_fp16(), MASK)
    torch.testing.assert_close(fusion(encode_fp16(), MASK), joined)
    assert joined[0, 4:].eq(0).all()


@pytest.mark.parametrize("width", [4, 5, 7, 128])
def test_widths_that_cannot_be_divided_evenly(width: int) -> None:
    fusion = BlockFusion(FusionShape(3, 8, width))
    assert fusion(encode_fp16(), MASK).shape == (4, width)


def test_one_modality_has_the_whole_embedding() -> None:
    fusion = BlockFusion(FusionShape(1, 8, 6))
    joined = fusion(torch.randn(2, 1, 8), torch.ones(2, 1, dtype=torch.bool))
    assert joined.shape == (2, 6)
    assert (joined != 0).all()


def test_too_narrow_an_embedding_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 4"):
        BlockFusion(FusionShape(3, 8, 3))


def test_a_model_of_it_gives_unit_vectors() -> None:
    torch.manual_seed(0)
    model = FusionModel({"image": 5, "title": 7}, 8, 9, options=ModelOptions("blocks"))
    inputs = {"image": torch.randn(3, 5), "title": torch.randn(3, 7)}
    shown = torch.tensor([[True, True], [True, False], [False, True]])
    torch.testing.assert_close(model(inputs, shown).norm(dim=1), torch.ones(3))
