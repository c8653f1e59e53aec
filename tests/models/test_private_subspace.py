from pathlib import Path

import torch
from torch.nn import functional

from mmpipeline.models import FusionModel, ModelOptions, load_model, save_model
from mmpipeline.models.private_subspace import PrivateSubspace, code_moments

DIMS = {"image": 6, "title": 4}
BOTH = torch.ones(5, 2, dtype=torch.bool)
IMAGE, TITLE = (torch.tensor([shown] * 5) for shown in ([True, False], [False, True]))


def draw(rows: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, 2, 8, generator=torch.Generator().manual_seed(seed))


def fitted(width: int = 8, share: float = 0.5) -> PrivateSubspace:
    part = PrivateSubspace(2, 8, width, share)
    part.fit(code_moments(draw(50, 1), torch.ones(50, 2, dtype=torch.bool)))
    return part


def test_keeps_the_cosines_of_codes_when_all_axes_are_kept() -> None:
    unit = functional.normalize(draw()[:, 0], dim=1)
    vectors = fitted(width=20)(draw(), IMAGE)
    assert torch.allclose(vectors @ vectors.T, unit @ unit.T, atol=1e-5)


def test_sums_the_cosines_of_parts_that_both_show() -> None:
    part = fitted(width=4)
    whole, image, title = (part(draw(), shown) for shown in (BOTH, IMAGE, TITLE))
    assert not (image @ title.T).any()
    assert torch.allclose(whole, (image + title) / 2**0.5, atol=1e-6)


def test_keeps_the_strongest_axes() -> None:
    codes = draw(200, 2) * torch.tensor([9.0, 1, 1, 1, 1, 1, 7, 1])
    part = PrivateSubspace(2, 8, 2, 0.5)
    part.fit(code_moments(codes, torch.ones(200, 2, dtype=torch.bool)))
    assert torch.allclose(part.axes.transpose(1, 2) @ part.axes, torch.eye(2), atol=1e-5)
    assert (part.axes[:, [0, 6]].square().sum(dim=(1, 2)) > 1.9).all()


def test_what_is_not_shown_is_neither_read_nor_fitted_on() -> None:
    codes = draw()
    codes[:, 1] = float("nan")
    part = fitted()
    assert torch.isfinite(part(codes, IMAGE)).all()
    part.fit(code_moments(codes, IMAGE))
    assert part(draw(), IMAGE).any()
    assert not part(draw(), TITLE).any()  # no recipe had a title


def test_the_dot_product_weighs_shared_and_own_by_the_share() -> None:
    part = fitted(share=0.2)
    shared = functional.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(4)))
    own = part(draw(), BOTH)
    joined = part.join(shared, own)
    assert torch.allclose(joined.norm(dim=1), torch.ones(5))
    expected = 0.8 * shared @ shared.T + 0.2 * own @ own.T
    assert torch.allclose(joined @ joined.T, expected, atol=1e-6)


def test_before_it_is_fitted_the_shared_embedding_decides_alone() -> None:
    part = PrivateSubspace(2, 8, 4, 0.5)
    shared = functional.normalize(torch.randn(5, 3, generator=torch.Generator().manual_seed(4)))
    joined = part.join(shared, part(draw(), BOTH))
    assert torch.allclose(joined @ joined.T, shared @ shared.T, atol=1e-6)


def test_a_model_with_it_is_stored_and_embeds_both(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = ModelOptions("weighted_sum", encoder="linear", private_dim=4, private_weight=0.3)
    model = FusionModel(DIMS, 8, 8, options=options)
    inputs = {name: torch.randn(5, dim) for name, dim in DIMS.items()}
    assert model.private_subspace is not None
    model.private_subspace.fit(code_moments(model.encode(inputs, BOTH).detach(), BOTH))
    vectors = model.embed(inputs, BOTH)
    assert vectors.shape == (5, model.embedding_dim) == (5, 8 + 2 * 4)
    assert model(inputs, BOTH).shape == (5, 8)
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert torch.equal(again.embed(inputs, BOTH), vectors)
    assert FusionModel(DIMS, 8, 8).private_subspace is None
