"""Prototypes: the mean, the nearest kept item and the Gaussian, against plain numpy."""

from pathlib import Path

import numpy as np
import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.vectors.prototypes import PRIOR_ITEMS, Prototypes, Sample, SubsetInfo

RANDOM = np.random.default_rng(3)
SIZES = (40, 7, 1)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


CENTRES = unit(RANDOM.standard_normal((3, 6)))
GROUPS = [
    unit(centre + 0.3 * RANDOM.standard_normal((size, 6)))
    for centre, size in zip(CENTRES, SIZES, strict=True)
]
INFOS = [SubsetInfo(name, "dish", size) for name, size in zip("abc", SIZES, strict=True)]


@pytest.fixture
def prototypes() -> Prototypes:
    return Prototypes.make(INFOS, [Sample.of(group, 4) for group in GROUPS], 6)


def test_the_rules_are_their_formulas(prototypes: Prototypes) -> None:
    query = unit(RANDOM.standard_normal(6))
    means = np.stack([unit(group.astype(np.float64).sum(axis=0)) for group in GROUPS])
    np.testing.assert_allclose(prototypes.scores(query), means @ query, atol=1e-6)
    chosen = [g[np.unique(np.linspace(0, len(g) - 1, 4).astype(int))] for g in GROUPS]
    nearest = [float((kept @ query).max()) for kept in chosen]
    np.testing.assert_allclose(prototypes.scores(query, "nearest"), nearest, atol=1e-6)
    sizes = np.array(SIZES, float)[:, None]
    own = np.stack([group.astype(np.float64).var(axis=0) for group in GROUPS])
    pooled = (own * sizes).sum(axis=0) / sizes.sum()
    variance = (own * sizes + PRIOR_ITEMS * pooled) / (sizes + PRIOR_ITEMS)
    centres = np.stack([group.astype(np.float64).mean(axis=0) for group in GROUPS])
    expected = -0.5 * ((query - centres) ** 2 / variance + np.log(2 * np.pi * variance)).sum(axis=1)
    found = prototypes.scores(query, "gaussian")
    np.testing.assert_allclose(np.diff(found), np.diff(expected) / 6, atol=1e-4)


def test_subsets_too_close_to_tell_apart_stand_in_their_order() -> None:
    """The later a subset, the nearer by some last bits; and the last one by more than those."""
    query, mean = GROUPS[0][0], unit(GROUPS[0].astype(np.float64).sum(axis=0))
    towards = query * mean > (query @ mean) * mean**2  # numbers that less of takes the mean away
    less = np.where(towards, GROUPS[0] * np.float32(1 - 2.0**-22), GROUPS[0])
    near = [less, np.where(np.arange(6) < 3, less, GROUPS[0]), GROUPS[0]]
    samples = [Sample.of(group, 40) for group in (*near, query[None])]
    made = Prototypes.make([SubsetInfo(name, "dish", 40) for name in "abcd"], samples, 6)
    for rule in ("mean", "nearest"):
        scores = made.scores(query, rule)
        assert scores[2] > scores[0]
        numbers, told = made.rank(query, 4, rule=rule)
        first = [3, 0, 1, 2] if rule == "mean" else [0, 1, 2, 3]  # the nearest item is everyone's
        assert numbers.tolist() == first
        assert told.tolist() == sorted(told, reverse=True)
        assert made.rank(query, 1, [1, 2], rule)[0].tolist() == [1]
    numbers, told = made.rank(query, 2, among=[0, 1, 2], rule="gaussian")
    assert numbers.tolist() == [0, 1]
    assert len(set(told.tolist())) == 1


def test_they_are_read_as_they_were_written(prototypes: Prototypes, tmp_path: Path) -> None:
    prototypes.write(tmp_path)
    again = Prototypes.open(tmp_path)
    assert again.infos == prototypes.infos
    query = unit(RANDOM.standard_normal(6))
    for rule in ("mean", "nearest", "gaussian"):
        np.testing.assert_array_equal(again.scores(query, rule), prototypes.scores(query, rule))
    (tmp_path / "subsets.json").write_text("[]")
    with pytest.raises(ArtifactError, match="prototypes and subsets"):
        Prototypes.open(tmp_path)


def test_samples_of_parts_join_to_the_sample_of_the_whole() -> None:
    whole, parts = Sample.of(GROUPS[0], 4), (GROUPS[0][:13], GROUPS[0][13:])
    joined = Sample.join([Sample.of(part, 4) for part in parts], 4)
    assert (joined.items, len(joined.kept)) == (40, 4)
    np.testing.assert_allclose(joined.total, whole.total)
    np.testing.assert_allclose(joined.squares, whole.squares)


def test_a_sample_is_found_again_in_the_prototypes(prototypes: Prototypes) -> None:
    sample = prototypes.sample(1)
    np.testing.assert_allclose(sample.total, GROUPS[1].astype(np.float64).sum(axis=0), atol=1e-4)
    np.testing.assert_allclose(sample.squares, (GROUPS[1] ** 2).sum(axis=0), atol=1e-4)


def test_a_subset_without_direction_is_left_out_and_one_of_that_name_replaced(
    prototypes: Prototypes,
) -> None:
    opposite = np.concatenate([GROUPS[2], -GROUPS[2]])
    empty = Prototypes.make([SubsetInfo("x", "dish", 2)], [Sample.of(opposite, 2)], 6)
    assert empty.infos == []
    info = SubsetInfo("b", "enrolled", 1)
    replaced = prototypes.with_subset(info, Sample.of(GROUPS[2], 1))
    assert sorted(entry.subset for entry in replaced.infos) == ["a", "b", "c"]
    turn = replaced.find("b")
    assert turn is not None
    assert replaced.scores(GROUPS[2][0])[turn] == pytest.approx(1, abs=1e-6)
    assert replaced.find("none") is None
