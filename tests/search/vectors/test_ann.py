from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.vectors.ann import (
    CANDIDATES,
    MOST_CANDIDATES,
    AnnIndex,
    AnnPlan,
    Kind,
    choose_search_width,
)
from mmpipeline.search.vectors.exact import find_nearest

KINDS: tuple[Kind, ...] = ("ivf", "hnsw")


@pytest.fixture(scope="module")
def vectors() -> npt.NDArray[np.float32]:
    random = np.random.default_rng(1)
    centres = random.normal(size=(60, 16))
    values = centres[random.integers(0, 60, 4000)] + 0.7 * random.normal(size=(4000, 16))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_mapped_answers_as_what_was_written(
    vectors: npt.NDArray[np.float32], tmp_path: Path, kind: Kind
) -> None:
    made = AnnIndex.build(vectors, kind, 1)
    made.write(tmp_path / "lists")
    mapped = AnnIndex.open(tmp_path / "lists")
    for query in vectors[::800]:
        rows, scores = mapped.find(vectors, query, 10, 64)
        np.testing.assert_array_equal(rows, made.find(vectors, query, 10, 64)[0])
        np.testing.assert_allclose(scores, vectors[rows].astype(float) @ query, atol=1e-12)
        assert rows[0] == find_nearest(vectors, query, 1)[0][0]


@pytest.mark.parametrize("kind", KINDS)
def test_only_allowed_rows_are_found(vectors: npt.NDArray[np.float32], kind: Kind) -> None:
    allowed = np.arange(len(vectors)) % 3 == 1
    rows, _ = AnnIndex.build(vectors, kind, 1).find(vectors, vectors[0], 20, 256, allowed)
    assert len(rows) == 20
    assert allowed[rows].all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_chosen_effort_reaches_the_recall_on_queries_that_did_not_choose(
    vectors: npt.NDArray[np.float32], kind: Kind
) -> None:
    queries = vectors[::20]
    truth = np.stack([find_nearest(vectors, query, 10)[0] for query in queries])
    plan = choose_search_width(
        AnnIndex.build(vectors, kind, 1), kind, vectors, queries, truth, 0.99
    )
    assert plan.kind == kind
    assert plan.recall_at_10 >= 0.98
    assert plan.search_width < 4096


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("copies", "noise"), [(5000, 0.0), (200, 0.0), (5000, 0.0025)])
def test_lists_are_asked_for_more_while_all_that_they_found_ties(
    kind: Kind, copies: int, noise: float
) -> None:
    random = np.random.default_rng(2)
    dense = random.normal(size=64) / 8 + noise * random.normal(size=(copies, 64))
    values = np.concatenate([dense, random.normal(size=(2000, 64))])
    values = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    vectors, query = random.permutation(values), values[0]
    lists, allowed = AnnIndex.build(vectors, kind, 1), random.random(len(vectors)) < 0.9
    for within in (None, allowed):
        gathered = lists.gather(vectors, query, 10, 256, within)
        rows, scores = lists.find(vectors, query, 10, 256, within)
        assert len(rows) == 10
        if noise:  # too dense for half precision, and no ties: as approximate as ever, and as quick
            assert gathered is not None
            assert len(gathered[0]) == CANDIDATES
            continue
        assert (gathered is None) == (copies > MOST_CANDIDATES)
        living = None if within is None else np.flatnonzero(within)
        expected, best = find_nearest(vectors, query, 10, living)
        assert (rows.tolist(), scores.tolist()) == (expected.tolist(), best.tolist())


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "lists").write_bytes(b"not lists")
    with pytest.raises(ArtifactError, match="lists cannot be read"):
        AnnIndex.open(tmp_path / "lists")


def test_a_plan_of_a_former_release_is_read() -> None:
    plan = AnnPlan("ivf", 64, 0.99)
    assert AnnPlan.from_json(plan.to_json()) == plan
    assert AnnPlan.from_json({"kind": "ivf", "effort": 64, "recall_at_10": 0.99}) == plan
