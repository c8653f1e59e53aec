import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.models.rounding import tie_width
from mmpipeline.search.vectors.exact import find_nearest
from tests.search.one_order import answer_naively


def unit_vectors(seed: int, rows: int, dim: int, *, coarse: bool) -> npt.NDArray[np.float32]:
    """Random directions; coarse ones have few different values, hence many equal scores."""
    random = np.random.default_rng(seed)
    values = random.integers(-1, 2, (rows, dim)) if coarse else random.normal(size=(rows, dim))
    values = values.astype(np.float64)
    values[~values.any(axis=1), 0] = 1
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 60),
    dim=st.integers(1, 9),
    k=st.integers(1, 70),
    coarse=st.booleans(),
)
def test_equals_brute_force(seed: int, rows: int, dim: int, k: int, coarse: bool) -> None:
    vectors = unit_vectors(seed, rows, dim, coarse=coarse)
    query = unit_vectors(seed + 1, 1, dim, coarse=coarse)[0]
    found, scores = find_nearest(vectors, query, k)
    assert len(found) == min(k, rows)
    assert (np.diff(scores) <= 0).all()
    off = np.abs(scores - vectors[found].astype(float) @ query)
    assert off.max() <= tie_width(dim) + 1e-12
    expected = answer_naively(vectors, query, k)
    assert found.tolist() == [row for row, _ in expected]
    np.testing.assert_allclose(scores, [score for _, score in expected], atol=1e-12)


def test_equal_vectors_stand_in_the_order_of_their_rows() -> None:
    vectors = np.repeat(unit_vectors(1, 1, 37, coarse=False), 1003, axis=0)
    for k in (1, 10, 500, 1003):
        found, scores = find_nearest(vectors, unit_vectors(2, 1, 37, coarse=False)[0], k)
        assert found.tolist() == list(range(k))
        assert len(set(scores.tolist())) == 1


def test_only_a_difference_that_float32_could_see_counts() -> None:
    vectors = np.zeros((4, 2), dtype=np.float32)
    vectors[:, 0] = 1
    vectors[:, 1] = [1e-9, 3e-9, 2e-9, 3e-7]  # 1 + 3e-9 is 1 in float32, 1 + 3e-7 is not
    query = np.array([1, 1], dtype=np.float32)
    assert find_nearest(vectors, query, 1)[0].tolist() == [3]
    assert find_nearest(vectors, query, 2)[0].tolist() == [3, 0]
    found, scores = find_nearest(vectors, query, 4)
    assert found.tolist() == [3, 0, 1, 2]
    assert len(set(scores.tolist())) == 2


def test_only_the_given_rows_are_looked_at() -> None:
    vectors = unit_vectors(3, 50, 8, coarse=False)
    rows = np.array([3, 10, 11, 40])
    found, _ = find_nearest(vectors, vectors[10], 2, rows)
    assert found[0] == 10
    assert set(found.tolist()) <= set(rows.tolist())
    assert len(find_nearest(vectors, vectors[10], 9, rows)[0]) == 4


def test_nothing_to_search() -> None:
    found, scores = find_nearest(np.zeros((0, 4), np.float32), np.ones(4, np.float32), 5)
    assert (len(found), len(scores)) == (0, 0)


def test_none_are_asked_for() -> None:
    vectors = unit_vectors(3, 50, 8, coarse=False)
    for rows in (None, np.array([3, 10])):
        found, scores = find_nearest(vectors, vectors[10], 0, rows)
        assert (found.tolist(), scores.tolist()) == ([], [])


def test_neighbours_closer_together_than_float32_resolves() -> None:
    random = np.random.default_rng(4)
    query = unit_vectors(5, 1, 64, coarse=False)[0]
    near = query + random.normal(scale=3e-7, size=(400, 64))
    vectors = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    exact = vectors.astype(float) @ query.astype(float)
    for k in (1, 10, 100):
        found, _ = find_nearest(vectors, query, k)
        assert exact[found].min() >= np.sort(exact)[-k] - tie_width(64)
