import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmpipeline.models.fusion import FusionModel

DIMS = {"image": 5, "title": 7, "ingredients": 4, "instructions": 3}


def make_model(dropout: float = 0.0) -> FusionModel:
    torch.manual_seed(0)
    return FusionModel(DIMS, hidden_dim=8, embedding_dim=6, dropout=dropout)


def make_inputs(rows: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(rows, dim, generator=generator) for name, dim in DIMS.items()}


masks = st.lists(
    st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1, max_size=6
).map(lambda rows: torch.tensor(rows, dtype=torch.bool))


@settings(max_examples=25, deadline=None)
@given(mask=masks)
def test_embeddings_have_unit_length_for_any_subset(mask: Tensor) -> None:
    vectors = make_model().embed(make_inputs(len(mask)), mask)
    assert vectors.shape == (len(mask), 6)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(mask)))


@settings(max_examples=25, deadline=None)
@given(mask=masks, filler=st.sampled_from([float("nan"), float("inf"), 1e30]))
def test_what_is_masked_changes_no_bit_and_no_gradient(mask: Tensor, filler: float) -> None:
    model = make_model()
    clean = make_inputs(len(mask))
    soiled = {
        name: torch.where(mask[:, i, None], clean[name], filler) for i, name in enumerate(DIMS)
    }
    assert torch.equal(model.embed(clean, mask), model.embed(soiled, mask))

    gradients = []
    for inputs in (clean, soiled):
        model.zero_grad()
        model(inputs, mask)[:, 0].sum().backward()
        gradients.append([
            torch.zeros(1) if p.grad is None else p.grad.clone() for p in model.parameters()
        ])
    for left, right in zip(*gradients, strict=True):
        assert torch.equal(left, right)
        assert bool(left.isfinite().all())


def test_what_is_shown_matters() -> None:
    model, inputs = make_model(), make_inputs(2)
    mask = torch.tensor([[True, True, False, False], [False, True, False, True]])
    before = model.embed(inputs, mask)
    inputs["title"] = inputs["title"] + 1.0
    assert not torch.allclose(before, model.embed(inputs, mask))


def test_subsets_of_one_item_differ() -> None:
    model, inputs = make_model(), make_inputs(1)
    image = model.embed(inputs, torch.tensor([[True, False, False, False]]))
    both = model.embed(inputs, torch.tensor([[True, True, False, False]]))
    assert not torch.allclose(image, both)


def test_a_modality_that_nobody_shows_may_be_left_out() -> None:
    model = make_model()
    mask = torch.tensor([[False, True, False, False]])
    inputs = make_inputs(1)
    assert torch.equal(model.embed({"title": inputs["title"]}, mask), model.embed(inputs, mask))


def test_permuting_the_batch_permutes_the_result() -> None:
    model, inputs = make_model(), make_inputs(3)
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], dtype=torch.bool)
    order = torch.tensor([2, 0, 1])
    permuted = model.embed({n: v[order] for n, v in inputs.items()}, mask[order])
    torch.testing.assert_close(permuted, model.embed(inputs, mask)[order])


def test_embed_switches_dropout_off_and_restores_the_mode() -> None:
    model, inputs = make_model(dropout=0.5), make_inputs(4)
    model.train()
    mask = torch.ones(4, 4, dtype=torch.bool)
    assert torch.equal(model.embed(inputs, mask), model.embed(inputs, mask))
    assert model.training
    assert not model.embed(inputs, mask).requires_grad


def test_an_empty_batch_gives_no_rows() -> None:
    assert make_model().embed(make_inputs(0), torch.ones(0, 4, dtype=torch.bool)).shape == (0, 6)


def test_a_row_that_shows_nothing_is_an_error() -> None:
    mask = torch.tensor([[True, False, False, False], [False] * 4])
    with pytest.raises(ValueError, match="row 1 of the mask shows no modality"):
        make_model()(make_inputs(2), mask)


@pytest.mark.parametrize("mask", [torch.ones(2, 4), torch.ones(2, 3, dtype=torch.bool)])
def test_a_mask_of_another_type_or_width_is_an_error(mask: Tensor) -> None:
    with pytest.raises(ValueError, match=r"expected bool of shape \(B, 4\)"):
        make_model()(make_inputs(2), mask)


def test_a_shown_input_that_is_missing_or_misshapen_is_an_error() -> None:
    mask = torch.tensor([[True, True, False, False]])
    inputs = make_inputs(1)
    del inputs["title"]
    with pytest.raises(ValueError, match="input 'title': found nothing"):
        make_model()(inputs, mask)
    inputs["title"] = torch.zeros(1, 6)
    with pytest.raises(ValueError, match=r"expected shape \(1, 7\)"):
        make_model()(inputs, mask)


def test_no_modality_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="names no modality"):
        FusionModel({}, hidden_dim=8, embedding_dim=4)
