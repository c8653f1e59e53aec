import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.training.masks import draw_masks, draw_subsets

rows_of_presence = st.lists(
    st.lists(st.booleans(), min_size=4, max_size=4).filter(any), min_size=1, max_size=20
).map(lambda rows: np.array(rows, dtype=np.bool_))


@settings(max_examples=50, deadline=None)
@given(presence=rows_of_presence, seed=st.integers(0, 99))
def test_subsets_lie_within_what_is_present_and_are_never_empty(
    presence: np.ndarray, seed: int
) -> None:
    subsets = draw_subsets(presence, np.random.default_rng(seed))
    assert subsets.any(axis=1).all()
    assert not (subsets & ~presence).any()


def test_every_nonempty_subset_is_equally_likely() -> None:
    presence = np.tile([True, False, True, True], (70_000, 1))
    subsets = draw_subsets(presence, np.random.default_rng(0))
    kinds, counts = np.unique(subsets, axis=0, return_counts=True)
    assert len(kinds) == 7
    assert np.abs(counts / 10_000 - 1).max() < 0.05


def test_mixed_items_show_photo_and_some_text() -> None:
    presence = np.tile([True, True, False, True], (200, 1))
    is_mixed = np.arange(200) % 2 == 0
    masks = draw_masks(presence, is_mixed, np.random.default_rng(0))
    assert masks[is_mixed, 0].all()
    assert masks[is_mixed, 1:].any(axis=1).all()
    assert not (masks & ~presence).any()
    assert not masks[~is_mixed, 0].all()


def test_the_seed_fixes_the_draw() -> None:
    presence = np.ones((50, 4), dtype=np.bool_)
    first = draw_subsets(presence, np.random.default_rng(3))
    assert np.array_equal(first, draw_subsets(presence, np.random.default_rng(3)))
    assert not np.array_equal(first, draw_subsets(presence, np.random.default_rng(4)))
