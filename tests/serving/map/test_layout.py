import numpy as np
import pytest

from mmpipeline.serving.map.layout import lay_out, sample_rows


def make_groups(groups: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    centres = random.normal(size=(groups, 16))
    labels = np.repeat(np.arange(groups), size)
    vectors = centres[labels] + 0.15 * random.normal(size=(groups * size, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_neighbours_stay_neighbours() -> None:
    vectors, labels = make_groups(5, 12)
    places = lay_out(vectors)
    assert places.shape == (60, 2)
    assert places.min() == 0
    assert places.max() == 1
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(axis=1)] == labels).mean() > 0.95


def test_the_same_vectors_give_the_same_map() -> None:
    vectors, _ = make_groups(3, 6)
    assert np.array_equal(lay_out(vectors), lay_out(vectors))


@pytest.mark.parametrize("points", [0, 1, 2, 4, 5, 7])
def test_few_points_have_places_too(points: int) -> None:
    vectors, _ = make_groups(1, 8)
    places = lay_out(vectors[:points])
    assert places.shape == (points, 2)
    assert np.isfinite(places).all()


def test_equal_vectors_have_places_too() -> None:
    assert np.isfinite(lay_out(np.ones((9, 4), dtype=np.float32))).all()


def test_a_sample_is_even_sorted_and_fixed() -> None:
    assert sample_rows(5, 9).tolist() == [0, 1, 2, 3, 4]
    rows = sample_rows(10_000, 500)
    assert len(set(rows.tolist())) == 500
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(rows, sample_rows(10_000, 500))
    assert 200 < (rows < 5000).sum() < 300
