import torch
from torch import nn

from mmpipeline.models.fusions.shape import FusionShape, output_layers


def test_output_layers_lead_from_hidden_to_embedding() -> None:
    layers = output_layers(FusionShape(parts=2, hidden_dim=8, embedding_dim=6))
    assert layers(torch.randn(3, 8)).shape == (3, 6)


def test_plain_output_layers_hold_no_norm() -> None:
    for plain in (False, True):
        layers = output_layers(FusionShape(2, 8, 6, plain=plain))
        assert any(isinstance(layer, nn.LayerNorm) for layer in layers) is not plain
