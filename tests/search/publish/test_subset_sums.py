import numpy as np
import pyarrow as pa

from mmpipeline.search.publish.subset_sums import SubsetSums


def labels(rows: list[tuple[str | None, str | None, str]]) -> pa.Table:
    names = ["dish", "dish_set", "split"]
    schema = pa.schema([(name, pa.string()) for name in names])
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    ids = pa.array([f"r{number}" for number in range(len(rows))], pa.string())
    return pa.table(columns, schema=schema).append_column("recipe_id", ids)


EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def test_known_dishes_are_of_training_recipes_and_unknown_ones_of_all() -> None:
    sums = SubsetSums(2, 2, {}, 1)
    first = [
        ("rice", "known", "train"),
        ("rice", "known", "test"),
        ("new", "unknown", "test"),
        (None, None, "train"),
    ]
    sums.add(labels(first), np.array([EAST, NORTH, EAST, NORTH], dtype=np.float32))
    second = [("new", "unknown", "val"), ("rice", "known", "train")]
    sums.add(labels(second), np.array([NORTH, EAST], dtype=np.float32))
    dishes, named = sums.samples()
    assert list(dishes) == ["new", "rice"]
    assert not named
    assert [sample.items for sample in dishes.values()] == [2, 2]
    np.testing.assert_allclose(dishes["new"].total, [1, 1])
    np.testing.assert_allclose(dishes["rice"].total, [2, 0])
    np.testing.assert_allclose(dishes["rice"].squares, [2, 0])


def test_named_subsets_have_all_their_recipes() -> None:
    sums = SubsetSums(2, 1, {"both": pa.array(["r0", "r2"]), "none": pa.array(["x"])}, 1)
    rows = [("a", "known", "test"), (None, None, "train"), (None, None, "val")]
    sums.add(labels(rows), np.array([EAST, EAST, NORTH], dtype=np.float32))
    dishes, named = sums.samples()
    assert not dishes
    assert list(named) == ["both"]
    np.testing.assert_allclose(named["both"].total, [1, 1])
    assert named["both"].kept.shape == (1, 2)


def test_kept_vectors_do_not_depend_on_batches() -> None:
    vectors = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    rows = [("a", "known", "train")] * 40
    kept = []
    for size in (40, 7):
        sums = SubsetSums(3, 5, {}, 9)
        for start in range(0, 40, size):
            sums.add(labels(rows[start : start + size]), vectors[start : start + size])
        kept.append(sums.samples()[0]["a"].kept)
    np.testing.assert_array_equal(*kept)
    assert kept[0].shape == (5, 3)
