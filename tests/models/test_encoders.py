import pytest
import torch

from mmpipeline.models.encoders import INPUT_LENGTH, ModalityEncoder, build_encoder


def test_width_follows_the_arguments() -> None:
    encoder = ModalityEncoder(5, 8, dropout=0.0)
    assert encoder(torch.randn(3, 5)).shape == (3, 8)


def test_has_three_layers() -> None:
    encoder = ModalityEncoder(5, 8, dropout=0.0)
    assert sum(isinstance(layer, torch.nn.Linear) for layer in encoder.layers) == 3


def test_plain_layers_are_linear_and_relu_alone() -> None:
    encoder = ModalityEncoder(5, 8, dropout=0.0, plain=True)
    kinds = {type(layer) for layer in encoder.layers}
    assert kinds == {torch.nn.Linear, torch.nn.ReLU, torch.nn.Dropout}
    assert encoder.shortcut is None
    assert float(encoder(torch.randn(20, 5)).detach().min()) == 0.0


def test_standardised_inputs_have_no_common_part() -> None:
    generator = torch.Generator().manual_seed(0)
    features = 5.0 + torch.tensor([1.0, 2.0, 0.0]) * torch.randn(500, 3, generator=generator)
    encoder = ModalityEncoder(3, 8, dropout=0.0)
    encoder.standardize(features.mean(dim=0), features.std(dim=0))
    encoder.layers[0].register_forward_pre_hook(
        lambda _module, inputs: seen.append(inputs[0].detach())
    )
    seen: list[torch.Tensor] = []
    encoder(features)
    torch.testing.assert_close(seen[0].mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[0].std(dim=0), torch.tensor([1.0, 1.0, 0.0]))


def test_a_constant_modality_stays_finite() -> None:
    encoder = ModalityEncoder(3, 8, dropout=0.0)
    encoder.standardize(torch.ones(3), torch.zeros(3))
    assert bool(encoder(torch.ones(2, 3)).isfinite().all())


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    encoder = ModalityEncoder(5, 8, dropout=0.0)
    rows = torch.randn(4, 5)
    changed = rows.clone()
    changed[1:] += 100.0
    torch.testing.assert_close(encoder(rows)[0], encoder(changed)[0])


def test_a_linear_encoder_is_one_linear_map_of_standardised_inputs() -> None:
    torch.manual_seed(0)
    encoder = build_encoder("linear", 16, 3, dropout=0.5).eval()
    encoder.standardize(torch.full((16,), 2.0), torch.full((16,), 4.0))
    inputs = torch.randn(5, 16)
    layer = encoder.get_submodule("layer")
    expected = layer((inputs - 2.0) / 4.0 * INPUT_LENGTH / 4.0)  # 4 is the root of the width
    assert torch.allclose(encoder(inputs), expected, atol=1e-6)


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="'round' is unknown"):
        build_encoder("round", 4, 4, 0.0)
