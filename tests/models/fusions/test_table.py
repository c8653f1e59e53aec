from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from mmpipeline.config import FusionName
from mmpipeline.models.fusions.shape import FusionShape
from mmpipeline.models.fusions.table import (
    FUSIONS,
    GatedFusion,
    MaskedMeanFusion,
    build_fusion,
)

SHAPE = FusionShape(parts=3, hidden_dim=8, embedding_dim=6)
MASK = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=torch.bool)


def encode_fp16(mask: Tensor = MASK) -> Tensor:
    codes = torch.randn(len(mask), 3, 8, generator=torch.Generator().manual_seed(1))
    return torch.where(mask[..., None], codes, 0.0)


def test_the_config_names_every_fusion() -> None:
    assert set(get_args(FusionName)) == set(FUSIONS)


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("plain", [False, True])
def test_every_fusion_learns_from_every_parameter(name: str, plain: bool) -> None:
    torch.manual_seed(0)
    shape = FusionShape(parts=3, hidden_dim=8, embedding_dim=6, plain=plain)
    fusion = build_fusion(name, shape)
    joined = fusion(encode_fp16(), MASK)
    assert joined.shape == (4, 6)
    torch.autograd.backward((joined * torch.randn(4, 6)).sum())
    for parameter in fusion.parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.isfinite().all())


@pytest.mark.parametrize("name", FUSIONS)
def test_dropout_belongs_to_training(name: str) -> None:
    shape = FusionShape(parts=3, hidden_dim=8, embedding_dim=6, dropout=0.5)
    fusion = build_fusion(name, shape).eval()
    assert torch.equal(fusion(encode_fp16(), MASK), fusion(encode_fp16(), MASK))


def test_masked_mean_averages_what_is_present() -> None:
    torch.manual_seed(0)
    fusion = MaskedMeanFusion(SHAPE)
    codes = encode_fp16()
    expected = torch.stack([row[seen].mean(dim=0) for row, seen in zip(codes, MASK, strict=True)])
    torch.testing.assert_close(fusion(codes, MASK), fusion.layers(expected))


def test_gates_share_out_one_among_what_is_present() -> None:
    torch.manual_seed(0)
    fusion = GatedFusion(SHAPE)
    seen: list[Tensor] = []
    fusion.layers.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for value in fusion.values:
            assert isinstance(value, nn.Linear)
            value.weight.zero_()
            value.bias.fill_(3.0)
    fusion(encode_fp16(), MASK)
    torch.testing.assert_close(seen[0], torch.full((4, 8), 3.0))


def test_gates_weigh_what_is_present_and_nothing_else() -> None:
    torch.manual_seed(0)
    fusion = GatedFusion(SHAPE)
    codes = encode_fp16()
    seen: list[Tensor] = []
    fusion.layers.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    fusion(codes, MASK)
    for row, code, shown in zip(seen[0], codes, MASK, strict=True):
        present = shown.nonzero().flatten().tolist()
        values = torch.stack([fusion.values[m](code[m]) for m in present])
        gates = torch.stack([fusion.gates[m](code[m]) for m in present])
        torch.testing.assert_close(row, (gates.softmax(dim=0) * values).sum(dim=0))


def test_a_wide_open_gate_takes_all() -> None:
    torch.manual_seed(0)
    fusion = GatedFusion(SHAPE)
    codes = encode_fp16(MASK[2:3])
    seen: list[Tensor] = []
    fusion.layers.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    gate, value = fusion.gates[1], fusion.values[1]
    assert isinstance(gate, nn.Linear)
    with torch.no_grad():
        gate.bias.fill_(1e4)
    fusion(codes, MASK[2:3])
    torch.testing.assert_close(seen[0], value(codes[:, 1]))


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="known are concatenation"):
        build_fusion("telepathy", SHAPE)
