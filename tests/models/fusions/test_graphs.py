import pytest
import torch

from mmpipeline.losses import versatile_loss
from mmpipeline.models.fusions.graphs import GraphFusion, GraphKind
from mmpipeline.models.fusions.shape import FusionShape

SHAPE = FusionShape(parts=3, hidden_dim=8, embedding_dim=6)
CODES = torch.randn(4, 3, 8, generator=torch.Generator().manual_seed(1))
KINDS: list[GraphKind] = ["shared", "disjoint", "fine_and_coarse"]


def make_graph(kind: GraphKind) -> GraphFusion:
    torch.manual_seed(0)
    return GraphFusion(SHAPE, kind)


@pytest.mark.parametrize(
    ("kind", "fine", "coarse"),
    [
        ("shared", [1, 1, 1], [1, 1, 1]),
        ("disjoint", [1, 1, 0], [1, 0, 1]),
        ("fine_and_coarse", [1, 1, 0], [1, 1, 1]),
    ],
)
def test_which_modality_lies_in_which_space(
    kind: GraphKind, fine: list[int], coarse: list[int]
) -> None:
    places = make_graph(kind).spaces(CODES)
    for rows, members, expected in (
        (places.fine, places.in_fine, fine),
        (places.coarse, places.in_coarse, coarse),
    ):
        assert members.int().tolist() == expected
        assert (rows != 0).any(dim=2).all(dim=0).int().tolist() == expected


def test_one_space_is_one_place() -> None:
    places = make_graph("shared").spaces(CODES)
    assert places.fine is places.coarse


def test_fine_and_coarse_leads_on_through_one_head() -> None:
    graph = make_graph("fine_and_coarse")
    places = graph.spaces(CODES)
    assert graph.onward is not None
    for m in (0, 1):
        torch.testing.assert_close(places.coarse[:, m], graph.onward(places.fine[:, m].relu()))
    assert set(graph.coarse_heads) == {"2"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_does_not_depend_on_its_neighbours(kind: GraphKind) -> None:
    graph, mask = make_graph(kind).train(), torch.ones(4, 3, dtype=torch.bool)
    changed = CODES.clone()
    changed[1:] += 5.0
    torch.testing.assert_close(graph(CODES, mask)[0], graph(changed, mask)[0])


def test_in_the_disjoint_graph_fine_and_coarse_do_not_compare() -> None:
    graph = make_graph("disjoint")
    fine = graph(CODES, torch.tensor([[False, True, False]] * 4))
    coarse = graph(CODES, torch.tensor([[False, False, True]] * 4))
    both = graph(CODES, torch.tensor([[True, False, False]] * 4))
    torch.testing.assert_close(fine @ coarse.T, torch.zeros(4, 4))
    assert bool(((both @ fine.T) != 0).all())
    assert bool(((both @ coarse.T) != 0).all())


def test_an_item_is_the_mean_of_its_directions_in_each_space() -> None:
    graph = make_graph("disjoint")
    places = graph.spaces(CODES)
    item = graph(CODES, torch.ones(4, 3, dtype=torch.bool))
    units = torch.nn.functional.normalize
    fine = (units(places.fine[:, 0], dim=1) + units(places.fine[:, 1], dim=1)) / 2
    coarse = (units(places.coarse[:, 0], dim=1) + units(places.coarse[:, 2], dim=1)) / 2
    torch.testing.assert_close(item, torch.cat([fine, coarse], dim=1))


@pytest.mark.parametrize("kind", KINDS)
def test_learns_its_published_objective(kind: GraphKind) -> None:
    graph, presence = make_graph(kind), torch.ones(4, 3, dtype=torch.bool)
    optimizer = torch.optim.Adam(graph.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        places = graph.spaces(CODES)
        loss = versatile_loss(
            (places.fine[:, 0], places.fine[:, 1]),
            (places.coarse[:, 0], places.coarse[:, 2]),
            presence,
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10


def test_any_modality_may_be_the_coarse_one() -> None:
    graph = GraphFusion(FusionShape(3, 8, 6, coarse=0), "disjoint")
    assert graph.in_fine.tolist() == [False, True, True]
    assert graph.in_coarse.tolist() == [True, True, False]


def test_what_a_graph_cannot_be_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected an even number"):
        GraphFusion(FusionShape(3, 8, 5), "disjoint")
    with pytest.raises(ValueError, match="at least two modalities"):
        GraphFusion(FusionShape(1, 8, 6), "shared")
