import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.table import FUSIONS, ModelOptions

DIMS = {"image": 5, "title": 7, "ingredients": 4, "instructions": 3}


def make_model(dropout: float = 0.0, fusion: str = "concatenation") -> FusionModel:
    torch.manual_seed(0)
    options = ModelOptions(fusion=fusion)
    return FusionModel(DIMS, hidden_dim=8, embedding_dim=6, dropout=dropout, options=options)


def make_inputs(rows: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(rows, dim, generator=generator) for name, dim in DIMS.items()}


masks = st.lists(
    st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1, max_size=6
).map(lambda rows: torch.tensor(rows, dtype=torch.bool))


@settings(max_examples=25, deadline=None)
@given(mask=masks, fusion=st.sampled_from(sorted(FUSIONS)))
def test_embeddings_have_unit_length_for_any_subset(mask: Tensor, fusion: str) -> None:
    vectors = make_model(fusion=fusion).embed(make_inputs(len(mask)), mask)
    assert vectors.shape == (len(mask), 6)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(mask)))


@pytest.mark.parametrize("fusion", FUSIONS)
@settings(max_examples=10, deadline=None)
@given(mask=masks, filler=st.sampled_from([float("nan"), float("inf"), 1e30]))
def test_what_is_masked_changes_no_bit_and_no_gradient(
    fusion: str, mask: Tensor, filler: float
) -> None:
    model = make_model(fusion=fusion)
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


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_is_shown_matters(fusion: str) -> None:
    model, inputs = make_model(fusion=fusion), make_inputs(2)
    mask = torch.tensor([[True, True, False, False], [False, True, False, True]])
    before = model.embed(inputs, mask)
    inputs["title"] = inputs["title"] + 1.0
    assert not torch.allclose(before, model.embed(inputs, mask))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_subsets_of_one_item_differ(fusion: str) -> None:
    model, inputs = make_model(fusion=fusion), make_inputs(1)
    image = model.embed(inputs, torch.tensor([[True, False, False, False]]))
    both = model.embed(inputs, torch.tensor([[True, True, False, False]]))
    assert not torch.allclose(image, both)


def test_a_modality_that_nobody_shows_may_be_left_out() -> None:
    model = make_model()
    mask = torch.tensor([[False, True, False, False]])
    inputs = make_inputs(1)
    assert torch.equal(model.embed({"title": inputs["title"]}, mask), model.embed(inputs, mask))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_permuting_the_batch_permutes_the_result(fusion: str) -> None:
    model, inputs = make_model(fusion=fusion), make_inputs(3)
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


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_empty_batch_gives_no_rows(fusion: str) -> None:
    nothing = torch.ones(0, 4, dtype=torch.bool)
    assert make_model(fusion=fusion).embed(make_inputs(0), nothing).shape == (0, 6)


def test_the_coarse_modality_of_a_graph_is_the_title_or_the_last() -> None:
    graph = make_model(fusion="fine_and_coarse_graph").fusion
    assert graph.in_fine.tolist() == [True, False, True, True]
    options = ModelOptions(fusion="fine_and_coarse_graph")
    numbered = FusionModel({"0": 6, "1": 9, "2": 4}, 8, 6, options=options).fusion
    assert numbered.in_fine.tolist() == [True, True, False]


def test_without_unit_length_the_direction_is_the_same() -> None:
    inputs, mask = make_inputs(3), torch.ones(3, 4, dtype=torch.bool)
    unit = make_model().embed(inputs, mask)
    torch.manual_seed(0)
    model = FusionModel(DIMS, 8, 6, options=ModelOptions(unit_length=False))
    vectors = model.embed(inputs, mask)
    assert not torch.allclose(vectors.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(torch.nn.functional.normalize(vectors, dim=1), unit)


def test_plain_layers_hold_no_norm() -> None:
    model = FusionModel(DIMS, 8, 6, options=ModelOptions(plain=True))
    assert not any(isinstance(part, torch.nn.LayerNorm) for part in model.modules())
    assert model.embed(make_inputs(2), torch.ones(2, 4, dtype=torch.bool)).shape == (2, 6)


def test_experts_are_surer_of_more_modalities() -> None:
    model, inputs = make_model(fusion="product_of_experts"), make_inputs(2)
    mask = torch.tensor([[True, False, False, False], [True, True, True, False]])
    inputs = {name: rows[:1].expand(2, -1) for name, rows in inputs.items()}
    mean, variance = model.distribution(inputs, mask)
    assert mean.shape == variance.shape == (2, 6)
    assert bool((variance[1] < variance[0]).all())


def test_other_fusions_have_no_variance() -> None:
    with pytest.raises(ValueError, match="'gated' has no variance"):
        make_model(fusion="gated").distribution(make_inputs(1), torch.ones(1, 4, dtype=torch.bool))


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
