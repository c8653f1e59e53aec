import torch
from torch import Tensor, nn

from mmpipeline.models.fusions.concatenation import ConcatenationFusion
from mmpipeline.models.fusions.shape import FusionShape

SHAPE = FusionShape(parts=3, hidden_dim=8, embedding_dim=6)
MASK = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.bool)


def encode_fp16(mask: Tensor = MASK) -> Tensor:
    codes = torch.randn(len(mask), 3, 8, generator=torch.Generator().manual_seed(1))
    return torch.where(mask[..., None], codes, 0.0)


def test_the_talk_has_two_layers() -> None:
    fusion = ConcatenationFusion(SHAPE)
    assert sum(isinstance(layer, nn.Linear) for layer in fusion.layers) == 2


def test_concatenation_tells_an_absent_part_from_a_zero_one() -> None:
    torch.manual_seed(0)
    fusion = ConcatenationFusion(SHAPE)
    codes = encode_fp16(MASK[:1])
    shown = torch.tensor([[True, True, False]])
    assert not torch.allclose(fusion(codes, MASK[:1]), fusion(codes, shown))


def test_learned_absence_stands_where_a_part_is_absent() -> None:
    torch.manual_seed(0)
    fusion = ConcatenationFusion(SHAPE, learned_absence=True)
    assert fusion.absent is not None
    before = fusion(encode_fp16(), MASK)
    with torch.no_grad():
        fusion.absent[1] += 1.0
    changed = (fusion(encode_fp16(), MASK) != before).any(dim=1)
    assert changed.tolist() == [True, False, False, True]
