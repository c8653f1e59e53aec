import numpy as np
import pytest
import torch

from mmpipeline.config import VirtualClassConfig
from mmpipeline.talk.methods.virtual_classes import VirtualClasses

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.tensor([[-2.0, 0.0, 5.0], [2.0, 1.0, 7.0]])
WIDTHS = torch.tensor([[0.1, 0.5, 1.0], [0.2, 0.6, 2.0]])
POOL = [
    CENTRES[:, None] + WIDTHS[:, None] * torch.rand(2, 400, 3, generator=GENERATOR),
    torch.randn(2, 400, 2, generator=GENERATOR),
]
STILL = {"mean_jitter": 0.0, "deviation_jitter": 0.0}


def draw(classes: int = 50, samples: int = 300, **config: float) -> list[torch.Tensor]:
    source = VirtualClasses(POOL, VirtualClassConfig(**config))
    return source.draw_virtual(np.random.default_rng(0), classes, samples)


@pytest.mark.parametrize("exchange", [False, True])
def test_without_jitter_means_and_deviations_are_those_of_known_classes(exchange: bool) -> None:
    drawn = draw(permute=exchange, flip=exchange, **STILL)[0]
    for values, known, tolerance in (
        (drawn.mean(dim=1), POOL[0].mean(dim=1), 0.15),
        (drawn.std(dim=1), POOL[0].std(dim=1), 0.05),
    ):
        gaps = (values[:, None] - known).abs()  # virtual, known, dimension
        assert float(gaps.amin(dim=1).max()) < tolerance
        assert (gaps[:, 0] < gaps[:, 1]).float().mean(dim=0).min() > 0.2  # both are used


def test_dimensions_and_modalities_mix_known_classes() -> None:
    means = draw(permute=False, flip=False, **STILL)[0].mean(dim=1)
    nearest = (means[:, None] - POOL[0].mean(dim=1)).abs().argmin(dim=1)
    assert len({tuple(row) for row in nearest.tolist()}) == 8


def test_jitter_goes_beyond_the_known_classes() -> None:
    still, moved = (
        draw(mean_jitter=jitter, deviation_jitter=jitter)[0].mean(dim=1) for jitter in (0.0, 0.5)
    )
    gaps = [
        (means[:, None] - POOL[0].mean(dim=1)).abs().amin(dim=1).mean() for means in (still, moved)
    ]
    assert gaps[1] > 3 * gaps[0]


def test_shape_is_that_of_the_base_class() -> None:
    drawn = draw(samples=2000, **STILL)[0]
    units = (drawn - drawn.mean(dim=1, keepdim=True)) / drawn.std(dim=1, keepdim=True)
    assert float(units.abs().max()) < 2.0  # uniform: at most sqrt(3) and sampling error
    assert float(units.pow(4).mean()) == pytest.approx(1.8, abs=0.05)


def test_flips_turn_skewed_shapes_and_permutation_moves_them() -> None:
    fixed = torch.Generator().manual_seed(0)
    shapes = (torch.rand(400, generator=fixed).pow(4), torch.randn(400, generator=fixed))
    skewed = torch.stack(shapes, dim=1)
    source = [skewed.expand(2, -1, -1).contiguous()]
    found = {}
    for permute in (False, True):
        for flip in (False, True):
            config = VirtualClassConfig(permute=permute, flip=flip)
            drawn = VirtualClasses(source, config).draw_virtual(np.random.default_rng(0), 60, 400)
            centred = drawn[0] - drawn[0].mean(dim=1, keepdim=True)
            skew = (centred.pow(3).mean(dim=1) / centred.std(dim=1).pow(3)).round()
            found[permute, flip] = (
                bool((skew[:, 0] < 0).any()),
                bool((skew[:, 1].abs() > 0).any()),
            )
    assert found == {
        (False, False): (False, False),
        (False, True): (True, False),
        (True, False): (False, True),
        (True, True): (True, True),
    }


def test_draws_follow_the_generator() -> None:
    first, again = draw(), draw()
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert [rows.shape for rows in first] == [(50, 300, 3), (50, 300, 2)]


def test_real_classes_are_pool_rows_each_once() -> None:
    source = VirtualClasses(POOL, VirtualClassConfig())
    drawn = source.draw_real(np.random.default_rng(1), 2, 400)
    order = drawn[0].mean(dim=1)[:, 0].argsort()
    for part, pool in zip(drawn, POOL, strict=True):
        expected = pool.sort(dim=1).values
        torch.testing.assert_close(part[order].sort(dim=1).values, expected)
    with pytest.raises(ValueError, match="3 classes of 5"):
        source.draw_real(np.random.default_rng(1), 3, 5)


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="known classes"):
        VirtualClasses([torch.zeros(0, 5, 2)], VirtualClassConfig())
