import math

import pytest
import torch
from torch import nn

from mmpipeline.models.fusions.attention import AttentionFusion
from mmpipeline.models.fusions.shape import FusionShape

MASK = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 1, 0]], dtype=torch.bool)


def make_fusion(hidden_dim: int) -> AttentionFusion:
    torch.manual_seed(0)
    return AttentionFusion(FusionShape(parts=3, hidden_dim=hidden_dim, embedding_dim=6))


@pytest.mark.parametrize("hidden_dim", [8, 6, 7])
def test_equals_attention_row_by_row_and_head_by_head(hidden_dim: int) -> None:
    fusion = make_fusion(hidden_dim)
    codes = torch.randn(3, 3, hidden_dim)
    heads = {8: 4, 6: 3, 7: 1}[hidden_dim]
    width = hidden_dim // heads
    answers = []
    for code, seen in zip(codes, MASK, strict=True):
        tokens = torch.stack([fusion.token, *(code + fusion.modality)[seen]])
        query, key, value = fusion.project(fusion.norm(tokens)).chunk(3, dim=1)
        parts = []
        for h in range(heads):
            cut = slice(h * width, (h + 1) * width)
            scores = key[:, cut] @ query[0, cut] / math.sqrt(width)
            parts.append(scores.softmax(dim=0) @ value[:, cut])
        answers.append(fusion.token + fusion.combine(torch.cat(parts)))
    torch.testing.assert_close(fusion(codes, MASK), fusion.layers(torch.stack(answers)))


def test_what_is_absent_gets_no_weight() -> None:
    fusion = make_fusion(8)
    codes = torch.randn(3, 3, 8)
    changed = torch.where(MASK[..., None], codes, 1e4)
    assert torch.equal(fusion(codes, MASK), fusion(changed, MASK))


def test_modalities_are_told_apart() -> None:
    fusion = make_fusion(8)
    codes = torch.randn(1, 3, 8)
    whole = torch.ones(1, 3, dtype=torch.bool)
    assert not torch.allclose(fusion(codes, whole), fusion(codes[:, [1, 0, 2]], whole))
    assert isinstance(fusion.layers[-1], nn.Linear)
