from pathlib import Path

import pytest
import torch
from torch.nn import functional

from mmpipeline.models import FusionModel, ModelOptions, load_model, save_model
from mmpipeline.models.raw_part import RawPart

DIMS = {"image": 6, "title": 4}
BOTH = torch.ones(5, 2, dtype=torch.bool)


def inputs(seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(5, dim, generator=generator) for name, dim in DIMS.items()}


def fitted(width: int = 4) -> RawPart:
    part = RawPart(DIMS, width)
    generator = torch.Generator().manual_seed(3)
    for name, dim in DIMS.items():
        part.fit(name, torch.randn(50, dim, generator=generator))
    return part


def test_keeps_the_cosines_of_centred_features_when_all_axes_are_kept() -> None:
    part = fitted(width=6)
    shown = torch.tensor([[True, False]] * 5)
    centred = functional.normalize(inputs()["image"] - part.get_buffer("mean_image"), dim=1)
    vectors = part(inputs(), shown)
    assert torch.allclose(vectors @ vectors.T, centred @ centred.T, atol=1e-5)


def test_sums_the_cosines_of_parts_that_both_show() -> None:
    part = fitted()
    whole = part(inputs(), BOTH)
    image = part(inputs(), torch.tensor([[True, False]] * 5))
    title = part(inputs(), torch.tensor([[False, True]] * 5))
    assert not (image @ title.T).any()
    assert torch.allclose(whole, (image + title) / 2**0.5, atol=1e-6)


def test_the_dot_product_weighs_learned_and_raw_by_the_share() -> None:
    part = fitted()
    part.set_shares([0.5, 0.2])
    learned = functional.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(4)))
    raw = part(inputs(), BOTH)
    joined = part.join(learned, raw, BOTH)
    assert torch.allclose(joined.norm(dim=1), torch.ones(5))
    expected = 0.8 * learned @ learned.T + 0.2 * raw @ raw.T
    assert torch.allclose(joined @ joined.T, expected, atol=1e-6)


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 in"):
        fitted().set_shares([0.5])
    with pytest.raises(ValueError, match="expected 2 in"):
        fitted().set_shares([0.5, 1.5])


def test_nothing_to_fit_on_tells_nothing() -> None:
    part = RawPart(DIMS, 3)
    part.fit("image", torch.ones(1, 6))
    assert not part(inputs(), BOTH).any()


def test_a_model_with_it_is_stored_and_embeds_both_parts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = ModelOptions("weighted_sum", encoder="linear", raw_dim=4)
    model = FusionModel(DIMS, 8, 8, options=options)
    assert model.raw_part is not None
    for name, dim in DIMS.items():
        model.raw_part.fit(name, torch.randn(50, dim))
    model.raw_part.set_shares([0.3, 0.1])
    vectors = model.embed(inputs(), BOTH)
    assert vectors.shape == (5, model.embedding_dim) == (5, 8 + 2 * 4)
    assert model(inputs(), BOTH).shape == (5, 8)
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert again.learned_dim == 8
    assert torch.equal(again.embed(inputs(), BOTH), vectors)
